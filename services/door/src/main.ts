import { createDoor } from './door.ts';

/** Which address of this host leads here is the publication's matter; inside the container there is one network, and nobody else in it. */
const door = createDoor('/run/page/page.sock').listen(7860, '0.0.0.0');
door.on('error', (error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
});
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => process.exit(0));
