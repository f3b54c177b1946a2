/** The help of a command: what it does, how to call it, its options, examples and exit codes. */
import type { CommandSpec, OptionSpec } from './command.ts';
import { withHelp } from './parse.ts';

export function commandHelp(command: CommandSpec): string {
  const options = withHelp(command.options);
  const sections = [
    `waybill ${command.name}: ${command.summary}`,
    command.description,
    `Usage\n  ${['waybill', command.name, ...(command.operands ? [command.operands] : []), '[options]'].join(' ')}`,
    `Options\n${table(options.map((option) => [optionHead(option), optionText(option)]))}`,
    `Examples\n${command.examples.map(([line, effect]) => `  ${line}\n      ${effect}`).join('\n')}`,
    `Exit codes\n${table(command.exits.map(([code, meaning]) => [String(code), meaning]))}`,
  ];
  return sections.join('\n\n');
}

export function overview(commands: readonly CommandSpec[], version: string): string {
  return [
    `waybill ${version}: direct uploads from browsers and phones to S3-compatible storage.\nThe server only signs.`,
    'Usage\n  waybill COMMAND [options]',
    `Commands\n${table(commands.map(({ name, summary }) => [name, summary]))}`,
    'Options\n  -h, --help     Show this help, or a command’s: waybill up --help\n  -v, --version  Show the version',
    'To begin\n  waybill dev\n      starts everything on this machine; open the address it prints',
  ].join('\n\n');
}

function optionHead({ name, short, value }: OptionSpec): string {
  return `${short ? `-${short}, ` : '    '}--${name}${value ? ` ${value}` : ''}`;
}

function optionText({ summary, fallback, env, many }: OptionSpec): string {
  const notes = [
    ...(many ? ['may be repeated'] : []),
    ...(fallback === undefined ? [] : [`default: ${fallback}`]),
    ...(env === undefined ? [] : [`or $${env}`]),
  ];
  return notes.length > 0 ? `${summary} (${notes.join('; ')})` : summary;
}

const width = 80;

/** Two columns. The second one is wrapped at spaces. */
function table(rows: readonly (readonly [string, string])[]): string {
  const left = Math.min(28, Math.max(...rows.map(([head]) => head.length)));
  return rows
    .map(([head, text]) => {
      const lines = wrap(text, width - left - 4);
      const first = head.length > left ? [`  ${head}`] : [`  ${head.padEnd(left)}  ${lines.shift() ?? ''}`];
      return [...first, ...lines.map((line) => `${' '.repeat(left + 4)}${line}`)].join('\n').trimEnd();
    })
    .join('\n');
}

export function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= columns) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
