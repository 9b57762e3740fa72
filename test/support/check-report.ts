// The report of the checks that are not tests, in the shape of the other suites. The arguments are those that failed.
const failed = process.argv.slice(2);
const checks = ['lint', 'types', 'unused'];
process.stdout.write(
  JSON.stringify({
    numPassedTests: checks.length - failed.length,
    numFailedTests: failed.length,
    numPendingTests: 0,
    numTodoTests: 0,
    success: failed.length === 0,
    testResults: [
      {
        name: 'check',
        status: failed.length === 0 ? 'passed' : 'failed',
        message: '',
        assertionResults: failed.map((check) => ({
          fullName: check,
          status: 'failed',
          failureMessages: [`npm run ${check} says what`],
        })),
      },
    ],
  }),
);
