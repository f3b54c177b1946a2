/**
 * Repeats a failed property test: fast-check prints the seed of a failure, and `FC_SEED=123 npx vitest run src/s3` uses
 * it.
 */
const seed = Number(process.env.FC_SEED);

if (Number.isInteger(seed) && process.env.FC_SEED) {
  const { configureGlobal, readConfigureGlobal } = await import('fast-check');
  configureGlobal({ ...readConfigureGlobal(), seed });
}
