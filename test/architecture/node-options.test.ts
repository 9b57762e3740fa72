import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { root } from '../support/stack.ts';

const Compose = z.object({
  services: z.record(z.string(), z.object({ environment: z.record(z.string(), z.unknown()).default({}) })),
});
const { services } = Compose.parse(parse(readFileSync(join(root, 'docker-compose.yml'), 'utf8'), { merge: true }));

/** What a program prints that is run as the service is. */
async function says(service: string, program: string): Promise<string> {
  const options = String(services[service]?.environment['NODE_OPTIONS']);
  const { stdout } = await execa(
    process.execPath,
    ['--eval', `try { ${program} } catch (error) { console.log(error.message) }`],
    {
      env: { NODE_OPTIONS: options },
      extendEnv: false,
    },
  );
  return stdout;
}

test.each(['gateway', 'door', 'matrix-listener', 'launcher'])(
  'C16 no text becomes a program in %s',
  async (service) => {
    expect(await says(service, 'console.log(new Function("return 1")())')).toMatch(
      /Code generation from strings disallowed/,
    );
    expect(await says(service, 'console.log((0, eval)("1"))')).toMatch(/Code generation from strings disallowed/);
  },
);

test.each(['gateway', 'door', 'matrix-listener', 'launcher'])(
  'C16 no key of an object becomes its ancestor in %s',
  async (service) => {
    expect(
      await says(service, 'const one = {}; one[String("__proto__")] = { admin: true }; console.log(one.admin)'),
    ).toMatch(/Accessing Object\.prototype\.__proto__ has been disallowed/);
  },
);
