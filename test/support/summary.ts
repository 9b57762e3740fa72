// Adds up the reports of the suites and prints the last lines of scripts/test: what failed, by name, and the counts.
// Exits 1 when something failed or nothing ran.
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';

const Report = z.object({
  numPassedTests: z.int(),
  numFailedTests: z.int(),
  numPendingTests: z.int(),
  numTodoTests: z.int(),
  success: z.boolean(),
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      message: z.string(),
      assertionResults: z.array(
        z.object({ fullName: z.string(), status: z.string(), failureMessages: z.array(z.string()).nullish() }),
      ),
    }),
  ),
});
type Report = z.infer<typeof Report>;

const firstLine = (text: string | undefined) => text?.split('\n', 1)[0] ?? '';

/** One line for each test that failed, and for each file that failed outside of its tests. */
const failuresOf = (report: Report) =>
  report.testResults.flatMap((file) => {
    const tests = file.assertionResults
      .filter((test) => test.status === 'failed')
      .map((test) => `${test.fullName}: ${firstLine(test.failureMessages?.[0])}`);
    const outside = tests.length === 0 && file.status === 'failed' ? [firstLine(file.message)] : [];
    return [...tests, ...outside].map((what) => `${basename(file.name)}: ${what}`);
  });

const folder = process.argv[2] ?? '';
const reports = readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .map((name) => Report.parse(JSON.parse(readFileSync(join(folder, name), 'utf8'))));
const sum = (count: (report: Report) => number) => reports.reduce((total, report) => total + count(report), 0);
const passed = sum((report) => report.numPassedTests);
// A file that could not be loaded has no test that failed, and still is a failure.
const failed = sum((report) => Math.max(report.numFailedTests, report.success ? 0 : 1));
const skipped = sum((report) => report.numPendingTests + report.numTodoTests);
const failures = reports.flatMap(failuresOf);
if (failures.length > 0) process.stdout.write(`\n== failed\n${failures.join('\n')}\n`);
process.stdout.write(`\n${passed} passed, ${failed} failed, ${skipped} skipped\n`);
process.exit(failed === 0 ? 0 : 1);
