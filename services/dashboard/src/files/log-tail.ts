import type { LogLines } from '@countersign/contracts/page-api.ts';
import { type LogFile, linesAfter, logEnd, logFiles } from './log-files.ts';

/** Follows a service's log from where it ends now, also over the change of its files. */
export class LogTail {
  readonly #volumes: string;
  readonly #service: string;
  /** The file and the place in it; null before the log was first looked at, or while there is none. */
  #place: { readonly inode: bigint; readonly offset: number } | null = null;
  #isBegun = false;

  constructor(volumes: string, service: string) {
    this.#volumes = volumes;
    this.#service = service;
  }

  async read(limit: number): Promise<LogLines['lines']> {
    const files = await logFiles(this.#volumes, this.#service);
    const from = this.#isBegun ? this.#from(files) : logEnd(files);
    this.#isBegun = true;
    const { lines, next } = await linesAfter(this.#volumes, files, from, limit);
    const file = files.findLast(({ start }) => start <= next);
    this.#place = file === undefined ? null : { inode: file.inode, offset: next - file.start };
    return lines;
  }

  /** Of a file that is gone the rest is lost: as many bytes were written meanwhile as a log may have in all. */
  #from(files: readonly LogFile[]): number {
    const { inode, offset } = this.#place ?? { inode: null, offset: 0 };
    const file = files.find((one) => one.inode === inode);
    return file === undefined ? (files[0]?.start ?? 0) : file.start + offset;
  }
}
