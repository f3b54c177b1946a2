/**
 * Runs the benchmarks. A suite is a module with `about`, `peers` (packages whose versions are printed) and
 * `run({ rounds, quick, note })`, which returns rows and targets. Add its name to this list.
 */
import { writeSection } from './harness/page.mjs';
import { reportOf, section, table } from './harness/report.mjs';

// Hides the warning of the AWS SDK about old versions of Node.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';

const suites = [
  'presign',
  'form',
  'grant',
  'cold',
  'adapters',
  'bundle',
  'proxied',
  'small',
  'medium',
  'large',
  'resume',
  'memory',
  'hashing',
  'prepare',
  'parts',
  'ledger',
  'list',
  'loop',
];

/**
 * @param {readonly string[]} names all suites when it is empty
 * @param {{ json: boolean, write: boolean, quick: boolean, rounds: number }} options
 * @returns {Promise<boolean>} whether every suite ran; a missed target is not a failure
 */
export async function runSuites(names, { json, write, quick, rounds }) {
  const unknown = names.filter((name) => !suites.includes(name));
  if (unknown.length > 0) {
    console.error(`There is no benchmark ${unknown.join(', ')}. There are: ${suites.join(', ')}.`);
    return false;
  }
  let complete = true;
  for (const name of names.length > 0 ? names : suites) {
    try {
      const suite = await import(`./suites/${name}.mjs`);
      console.log(`\n${name}: ${suite.about}`);
      // Notes are written to stderr, so that with --json the last lines of stdout are reports only.
      const note = (text) => console.error(`  ${text}`);
      const report = reportOf(name, await suite.run({ rounds, quick, note }));
      console.log(json ? JSON.stringify(report) : `\n${table(report)}`);
      if (write) {
        const command = `npm run bench -- ${name}${rounds === 7 ? '' : ` --rounds ${rounds}`}`;
        writeSection(name, section(report, { ...suite, command }));
      }
    } catch (error) {
      complete = false;
      console.error(`${name} broke: ${error.stack ?? error}`);
    }
  }
  return complete;
}
