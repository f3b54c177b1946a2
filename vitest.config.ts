import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * So that `waybill/s3` and its neighbours are the sources, and no test needs a build. Vite's own `module` is left out:
 * Node never asks for it, and what packages keep there (the AWS SDK's extensionless ESM) does not run in Node.
 */
const conditions = ['@waybill/source', 'node', 'development|production'];

/** Starts one Ceph for the projects that talk to stores; a project whose tests are not asked for starts nothing. */
const stores = ['./test/support/ceph-setup.ts'];
/** One Postgres, where ledgers are asked for as well, and one MariaDB where `WAYBILL_LEDGERS` names `mysql`. */
const storesAndLedgers = [...stores, './test/support/postgres-setup.ts', './test/support/mariadb-setup.ts'];

/** The longest files. They start first, so that no core waits for one of them at the end. */
const longest = ['test/examples/', 'test/crash/', 'test/package/', 'test/browser/page-', 'test/contract/sweep-crash'];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rankOf = ({ moduleId }: TestSpecification) => {
      const rank = longest.findIndex((part) => moduleId.replaceAll('\\', '/').includes(`/${part}`));
      return rank === -1 ? longest.length : rank;
    };
    // The sort is stable: files of one rank stay in the order of vitest, which runs large files first.
    return (await super.sort(files)).sort((a, b) => rankOf(a) - rankOf(b));
  }
}

/** They measure how long the page blocks its thread, so nothing else runs beside them. */
const alone = ['test/browser/page-many.test.ts'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: ['@waybill/source', 'node', 'module-sync'] } },
  test: {
    // Two cores, on the machines we were given and on most CI: more workers only wait for each other.
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    // `isolate: false` below: the files of a project share processes, and load the sources once in each. That halves
    // the time of many short files. Suites that start programs or measure memory keep processes of their own.
    // These limits only end tests that hang. No test may depend on how fast the machine is, so no file sets a lower one.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    teardownTimeout: 60_000,
    expect: { poll: { timeout: 60_000 } },
    allowOnly: !process.env.CI,
    setupFiles: ['./test/support/fast-check-seed.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          isolate: false,
          include: ['{src,web}/**/*.test.{ts,tsx}', 'test/{arrows,support,cli,docs}/**/*.test.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'contract',
          isolate: false,
          include: ['test/contract/**/*.test.ts'],
          // Has tests for MariaDB only, which `WAYBILL_LEDGERS` names: see test/support/ledger-kinds.ts.
          exclude: process.env.WAYBILL_LEDGERS?.includes('mysql') ? [] : ['test/contract/ledger-mysql.test.ts'],
          globalSetup: storesAndLedgers,
        },
      },
      {
        extends: true,
        test: {
          name: 'interop',
          include: ['test/interop/**/*.test.ts'],
          // Needs a queue server that CI has not: see the file.
          exclude: process.env.SQS_TEST_ENDPOINT ? [] : ['test/interop/sqs-events.test.ts'],
          globalSetup: storesAndLedgers,
        },
      },
      {
        extends: true,
        test: {
          name: 'attacks',
          isolate: false,
          include: ['test/attacks/**/*.test.ts'],
          globalSetup: storesAndLedgers,
        },
      },
      {
        extends: true,
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.{ts,tsx}'],
          globalSetup: stores,
          exclude: alone,
          // After everything that is quick. A page in Chromium keeps one core busy.
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'engines',
          include: ['test/engines/**/*.test.ts'],
          // One browser at a time, after everything that is quick.
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          name: 'faults',
          include: ['test/faults/**/*.test.ts'],
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          name: 'browser-alone',
          include: alone,
          globalSetup: stores,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          name: 'crash',
          include: ['test/crash/**/*.test.ts'],
          testTimeout: 600_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'package',
          include: ['test/{package,examples}/**/*.test.ts'],
          globalSetup: ['./test/support/package-setup.ts'],
          testTimeout: 600_000,
          hookTimeout: 600_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
