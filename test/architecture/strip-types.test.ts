import { readdirSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../support/stack.ts';

const services = join(root, 'services');
const sources = readdirSync(services, { recursive: true, encoding: 'utf8' }).filter(
  (name) => /\/src\/.*(?<!\.test)\.ts$/.test(name) && !name.includes('node_modules'),
);

/** What the tests run on is more tolerant than Node itself, by which services are started from their sources outside of containers. */
test('Node can run every source of the services as it is', () => {
  expect(sources.length).toBeGreaterThan(400);
  const refused = sources.flatMap((name) => {
    try {
      stripTypeScriptTypes(readFileSync(join(services, name), 'utf8'));
      return [];
    } catch (error) {
      return [`${name}: ${error instanceof Error ? error.message : String(error)}`];
    }
  });
  expect(refused).toEqual([]);
});
