/**
 * What a suite found, as a table for people, as one line of JSON for programs, and as a section of docs/benchmarks.md.
 */
import { peerVersion } from '../peers/import.mjs';
import { machine } from './machine.mjs';
import { round } from './targets.mjs';

/** @typedef {{ contender: string, value: number, unit: string, ratio: number }} Row `ratio` is to the floor */
/** @typedef {{ what: string, goal: string, got: number, met: boolean }} Target */
/** @typedef {{ bench: string, machine: string, node: string, rows: Row[], targets: Target[] }} Report */

/** @returns {Report} */
export function reportOf(bench, { rows, targets }) {
  return {
    bench,
    machine: machine(),
    node: process.version,
    rows: rows.map(({ contender, value, unit, ratio }) => ({
      contender,
      value: round(value),
      unit,
      ratio: round(ratio),
    })),
    targets,
  };
}

/** @param {Report} report */
export function table({ rows, targets }) {
  const lines = columns([
    ['contender', 'value', 'unit', 'x floor'],
    ...rows.map(({ contender, value, unit, ratio }) => [contender, number(value), unit, number(ratio)]),
  ]);
  const verdicts = targets.map(
    ({ what, goal, got, met }) => `${met ? 'met   ' : 'MISSED'}  ${what}: ${number(got)} (goal ${goal})`,
  );
  return [...lines, '', ...verdicts].join('\n');
}

function columns(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const right = [false, true, false, true];
  return rows.map((row) =>
    row
      .map((cell, column) => (right[column] ? cell.padStart(widths[column]) : cell.padEnd(widths[column])))
      .join('  ')
      .trimEnd(),
  );
}

const number = (value) => value.toLocaleString('en-US', { maximumSignificantDigits: Math.abs(value) >= 1000 ? 4 : 3 });

/** @param {Report} report @param {{ about: string, peers: readonly string[], command: string }} suite */
export function section({ bench, rows, targets, node, machine: where }, { about, peers, command }) {
  const cells = (values) => `| ${values.join(' | ')} |`;
  return [
    `## ${bench}`,
    '',
    about,
    '',
    cells(['contender', 'value', 'unit', 'x floor']),
    '|---|--:|---|--:|',
    ...rows.map(({ contender, value, unit, ratio }) => cells([contender, number(value), unit, number(ratio)])),
    '',
    cells(['target', 'goal', 'got', '']),
    '|---|--:|--:|---|',
    ...targets.map(({ what, goal, got, met }) => cells([what, goal, number(got), met ? 'met' : '**missed**'])),
    '',
    `${new Date().toISOString().slice(0, 10)}, Node ${node.slice(1)}, ${where}. \`${command}\``,
    ...(peers.length > 0 ? ['', `Peers: ${peers.map((name) => `${name} ${peerVersion(name)}`).join(', ')}.`] : []),
  ].join('\n');
}
