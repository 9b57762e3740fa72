import { readHealth } from '@countersign/kit/health.ts';
import { logsFolder } from './config.ts';

// The container's health check: red when the work loop has not turned for a while, whatever else still runs.
const health = await readHealth(logsFolder(process.env));
process.exit(health?.alive === true ? 0 : 1);
