/** Finds the regular expressions in the sources and makes texts on which each of them could be slow. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseAst } from 'vite';
import { stopwatch } from './stopwatch.ts';

export interface RegexLiteral {
  /** Path relative to `root`, with `/`. */
  file: string;
  line: number;
  /** Undefined for an expression that is built at run time. */
  regex: RegExp | undefined;
  /** The source text. */
  source: string;
}

interface Node {
  type: string;
  start: number;
  end: number;
  callee?: { name?: string };
  regex?: { pattern: string; flags: string };
}

/** Finds every regular expression in the TypeScript files below `root`, except tests. */
export function regexLiterals(root: string): RegexLiteral[] {
  const found: RegexLiteral[] = [];
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (!/\.tsx?$/.test(entry.name) || /\.test\.tsx?$/.test(entry.name)) continue;
    const path = join(entry.parentPath, entry.name);
    const file = relative(root, path).replaceAll('\\', '/');
    found.push(...regexLiteralsIn(readFileSync(path, 'utf8'), file));
  }
  return found;
}

export function regexLiteralsIn(text: string, file: string): RegexLiteral[] {
  const found: RegexLiteral[] = [];
  const add = ({ start, end }: Node, regex: RegExp | undefined) =>
    found.push({ file, line: text.slice(0, start).split('\n').length, regex, source: text.slice(start, end) });
  const visit = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    const { type, regex, callee } = node as Node;
    if (type === 'Literal' && regex) {
      add(node as Node, new RegExp(regex.pattern, regex.flags));
      return;
    }
    if ((type === 'NewExpression' || type === 'CallExpression') && callee?.name === 'RegExp')
      add(node as Node, undefined);
    for (const value of Object.values(node)) visit(value);
  };
  visit(parseAst(text, { lang: file.endsWith('x') ? 'tsx' : 'ts' }));
  return found;
}

const longestPump = 10;

/**
 * Makes texts of about `length` characters: a beginning that the pattern accepts, a repeated piece of the pattern, and
 * an end that it does not accept. A pattern with quadratic or worse time is nearly always slow on one of them.
 */
export function hardTexts({ source, flags }: RegExp, length: number): string[] {
  const pieces = samples(source, flags);
  const texts = new Set<string>();
  const add = (before: string, pump: string) => {
    if (pump === '') return;
    const middle = pump.repeat(Math.max(1, Math.ceil(length / pump.length)));
    for (const after of ['', '\0', '\n!', '"<']) texts.add(before + middle + after);
  };
  for (let from = 0; from < pieces.length; from += 1) {
    const before = pieces.slice(0, from).join('');
    for (let to = from + 1; to <= Math.min(pieces.length, from + longestPump); to += 1) {
      const pump = pieces.slice(from, to).join('');
      add(before, pump);
      add('', pump);
    }
  }
  add('', pieces.join(''));
  return [...texts];
}

/**
 * Returns one text for each element of the pattern, in order, including elements of groups and of every alternative.
 */
function samples(source: string, flags: string): string[] {
  const pieces: string[] = [];
  for (let at = 0; at < source.length; ) {
    const { text, end } = element(source, at, flags);
    if (text !== '') pieces.push(text);
    at = end;
  }
  return pieces;
}

function element(source: string, at: number, flags: string): { text: string; end: number } {
  const rest = source.slice(at);
  // Parentheses, anchors and quantifiers match no text, so the elements of a group count as elements of the pattern.
  const silent =
    /^(?:\(\?(?::|<?[=!]|<[A-Za-z]\w*>)|[()|^$]|[*+?]\??|\{\d+(?:,\d*)?\}\??|\\[bB]|\\[1-9]|\\k<\w+>)/.exec(rest);
  if (silent) return { text: '', end: at + silent[0].length };
  const one =
    /^(?:\\u\{[0-9a-f]+\}|\\u[0-9a-f]{4}|\\x[0-9a-f]{2}|\\[pP]\{[^}]*\}|\\c[A-Za-z]|\\.|\[(?:\\.|[^\]\\])*\]|.)/isu.exec(
      rest,
    );
  const text = one?.[0] ?? '';
  const isText = !/^[\\[.]/.test(text);
  return { text: isText ? text : memberOf(text, flags), end: at + Math.max(1, text.length) };
}

/** Returns a character that the class or escape matches. Common characters are tried first. */
function memberOf(part: string, flags: string): string {
  const one = new RegExp(`^(?:${part})$`, flags.replace(/[gy]/g, ''));
  for (const candidate of 'a 1/-_.:="\'<>&;,\t\n\0é\u200b\ud800') if (one.test(candidate)) return candidate;
  for (let code = 33; code < 0x3000; code += 1)
    if (one.test(String.fromCharCode(code))) return String.fromCharCode(code);
  return '';
}

/** Returns the milliseconds of one pass over the text. Patterns with `g` continue after each match. */
export function measureMilliseconds({ source, flags }: RegExp, text: string): number {
  const regex = new RegExp(source, flags);
  const elapsed = stopwatch();
  if (regex.global) text.replace(regex, '');
  else regex.exec(text);
  return elapsed();
}
