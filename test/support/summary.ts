// Adds up the reports of the suites and prints the last line of scripts/test. Exits 1 when something failed or nothing ran.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const Report = z.object({
  numPassedTests: z.int(),
  numFailedTests: z.int(),
  numPendingTests: z.int(),
  numTodoTests: z.int(),
  success: z.boolean(),
});

const folder = process.argv[2] ?? '';
const reports = readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .map((name) => Report.parse(JSON.parse(readFileSync(join(folder, name), 'utf8'))));
const sum = (count: (report: z.infer<typeof Report>) => number) =>
  reports.reduce((total, report) => total + count(report), 0);
const passed = sum((report) => report.numPassedTests);
// A file that could not be loaded has no test that failed, and still is a failure.
const failed = sum((report) => Math.max(report.numFailedTests, report.success ? 0 : 1));
const skipped = sum((report) => report.numPendingTests + report.numTodoTests);
process.stdout.write(`\n${passed} passed, ${failed} failed, ${skipped} skipped\n`);
process.exit(failed === 0 ? 0 : 1);
