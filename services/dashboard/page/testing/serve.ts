import { FixtureServer } from './fixture-server.ts';
import { ended, lively } from './fixture-tasks.ts';

/** The built page with a lively house behind it, until it is stopped: for looking at it. */
const server = new FixtureServer([...lively(), ...ended(200).slice(24)]);
await server.start();
process.stdout.write(`${server.url}\n`);
const running = ['k7m2p', 'h4dqx', 'p9wtz'];
const ends = new Map<string, number>();
let turn = 0;
setInterval(() => {
  turn += 1;
  const task = running[turn % running.length] ?? 'k7m2p';
  const text = `\u001b[32m✓\u001b[0m step ${turn}: read \u001b[1msrc/file-${turn}.ts\u001b[0m\n`;
  const at = ends.get(task) ?? 0;
  ends.set(task, at + new TextEncoder().encode(text).length);
  server.emit({ output: [{ task, attempt: task === 'h4dqx' ? 2 : 1, part: 'run', stream: 'stdout', at, text }] });
}, 300);
