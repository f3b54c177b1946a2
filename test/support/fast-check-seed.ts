/**
 * fast-check prints the seed and the path of a failure. `FC_SEED=123 npx vitest run src/s3` runs with that seed again;
 * without it nothing is loaded here.
 */
const seed = Number(process.env.FC_SEED);

if (Number.isInteger(seed) && process.env.FC_SEED) {
  const { configureGlobal, readConfigureGlobal } = await import('fast-check');
  configureGlobal({ ...readConfigureGlobal(), seed });
}
