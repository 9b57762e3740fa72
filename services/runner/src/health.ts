import { readHealth } from '@countersign/kit/health.ts';
import { homeFolder } from './config.ts';
import { Layout } from './state/layout.ts';

// The container's health check: red when the work loop has not turned for a while, whatever else still runs.
const health = await readHealth(new Layout(homeFolder(process.env)).logs);
process.exit(health?.alive === true ? 0 : 1);
