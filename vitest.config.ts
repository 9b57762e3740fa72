import { configDefaults, defineConfig } from 'vitest/config';

/** `*.slow.test.ts` are for `scripts/test --all`: minutes of what few changes can break. */
const exclude =
  process.env['COUNTERSIGN_TEST_ALL'] === 'yes'
    ? configDefaults.exclude
    : [...configDefaults.exclude, '**/*.slow.test.ts'];

/** Ends every container of this machine, and so runs alone. */
const engineRestart = '**/engine-restart.slow.test.ts';
const besideOthers = process.env['COUNTERSIGN_TEST_ENGINE_RESTART'] === 'yes' ? exclude : [...exclude, engineRestart];

export default defineConfig({
  test: {
    // `npm run coverage`: the launcher alone, for it alone may do anything. Its entry points are run as processes of their own.
    coverage: {
      provider: 'v8',
      include: ['services/launcher/src/**/*.ts'],
      exclude: ['**/*.test.ts', '**/testing/**', 'services/launcher/src/{main,judge-image-main}.ts'],
      thresholds: { 100: true },
      reporter: ['text'],
      reportsDirectory: '.cache/coverage',
    },
    projects: [
      // Most of them wait for git: a worker for each processor is not too much.
      // What has to happen in a time says so by itself; the limit is for what hangs.
      { test: { name: 'unit', include: ['services/**/*.test.ts'], maxWorkers: '100%', testTimeout: 30_000 } },
      {
        test: {
          name: 'integration',
          include: ['test/architecture/**/*.test.ts', 'test/integration/**/*.test.ts'],
          exclude,
          testTimeout: 120_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'attack',
          include: ['test/attack/**/*.test.ts'],
          exclude,
          testTimeout: 120_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'crash',
          include: ['test/crash/**/*.test.ts'],
          globalSetup: ['test/crash/support/houses-folder.ts'],
          // The houses that all of them begin in are built once for each worker.
          isolate: false,
          exclude,
          testTimeout: 3_600_000,
          hookTimeout: 300_000,
          maxWorkers: '100%',
        },
      },
      {
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          globalSetup: ['test/browser/support/build-page.ts'],
          exclude,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          exclude: besideOthers,
          testTimeout: 180_000,
          hookTimeout: 600_000,
          // Some of them give a task seconds: two stacks beside each other take more of them than it has.
          fileParallelism: false,
        },
      },
    ],
  },
});
