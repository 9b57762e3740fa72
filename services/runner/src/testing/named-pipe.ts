import { execFileSync } from 'node:child_process';

/** Makes a FIFO; Node has no call for it. */
export function makeNamedPipe(path: string): void {
  execFileSync('/usr/bin/mkfifo', [path]);
}
