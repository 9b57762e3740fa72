import { fileURLToPath } from 'node:url';
import { build } from 'vite';

/** The page as it is delivered, built once for all tests. */
export async function setup(): Promise<void> {
  const environment = process.env['NODE_ENV'];
  process.env['NODE_ENV'] = 'production';
  await build({
    root: fileURLToPath(new URL('../../../services/dashboard/page/', import.meta.url)),
    logLevel: 'warn',
  });
  process.env['NODE_ENV'] = environment;
}
