import { readHealth } from '@countersign/kit/health.ts';
import { readLogsFolder } from './config.ts';

const health = await readHealth(readLogsFolder(process.env));
const isWell = health?.alive === true && health.report.status !== 'failing';
// The engine keeps what a health check says, so that it can be read where the service itself is of no help.
if (!isWell) process.stdout.write(`${health?.report.reason ?? 'the dashboard has said nothing yet'}\n`);
process.exitCode = isWell ? 0 : 1;
