import { readHealth } from '@countersign/kit/health.ts';
import { readLogsFolder } from './config.ts';

const health = await readHealth(readLogsFolder(process.env));
process.exitCode = health?.alive === true && health.report.status !== 'failing' ? 0 : 1;
