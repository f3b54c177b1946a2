/**
 * Whether the longest tests run at their full size, as in `npm run test:all`. `npm test` and CI run them with fewer
 * rows, requests and kills. One file at full size:
 *
 *     WAYBILL_TEST_SIZE=full npx vitest run test/contract/ledger-plans.test.ts
 */
export const isFullSize = process.env.WAYBILL_TEST_SIZE === 'full';
