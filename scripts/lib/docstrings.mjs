/** Reads declarations and their docstrings from TypeScript sources, for the generated pages of docs/. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSync } from 'vite';

/**
 * Text and tags of one docstring. A tag may stand in the middle of a line.
 *
 * @param {string} text the inside of a block comment
 * @returns {{ text: string, internal: boolean, defaults: string[], examples: string[], throws: string[] }}
 */
export function readDocstring(text) {
  const plain = text
    .replace(/^\*/, '')
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, ''))
    .join('\n');
  const [head = '', ...rest] = plain.split(/(?<=^|[\s.:;])@(?=(?:default|example|throws|returns|internal|param)\b)/);
  const tags = rest.map((tag) => /^(\w+)\s*([\s\S]*)$/.exec(tag)?.slice(1) ?? ['', '']);
  const of = (/** @type {string} */ name) => tags.flatMap(([tag, value = '']) => (tag === name ? [value.trim()] : []));
  return {
    text: prose(head),
    internal: tags.some(([tag]) => tag === 'internal'),
    defaults: of('default').map(prose),
    examples: of('example'),
    throws: of('throws').map((value) => prose(value.replace(/^\{[\w.]+\}\s*/, ''))),
  };
}

/** Joins a text into one line, and writes links as code. */
export function prose(/** @type {string} */ text) {
  return text
    .replace(/\{@link ([^}]+)\}/g, (_, name) => `\`${name}\``)
    .replace(/\s+/g, ' ')
    .trim();
}

/**
 * @typedef {{ name: string, type: string, optional: boolean, doc: ReturnType<typeof readDocstring> | null }} Member
 * @typedef {{ name: string, doc: ReturnType<typeof readDocstring> | null, members: Member[] }} Declaration
 */

/** @type {Map<string, Map<string, Declaration>>} */
const files = new Map();

/**
 * Returns every interface, type alias and function that a file declares.
 *
 * @param {string} root the repository
 * @param {string} path relative to root
 * @returns {Map<string, Declaration>}
 */
export function readDeclarations(root, path) {
  const known = files.get(join(root, path));
  if (known) return known;
  const source = readFileSync(join(root, path), 'utf8');
  const { program, comments, errors } = parseSync(path, source);
  if (errors.length > 0) throw new Error(`${path} cannot be parsed: ${errors[0]?.message}`);
  const docBefore = (/** @type {number} */ start) => {
    const comment = comments.findLast(
      ({ type, value, end }) => end <= start && type === 'Block' && value.startsWith('*'),
    );
    if (!comment) return null;
    // Line comments for the linter may be between the docstring and the declaration.
    const between = source.slice(comment.end, start).replace(/\/\/.*/g, '');
    return between.trim() === '' ? readDocstring(comment.value) : null;
  };
  /** @type {Map<string, Declaration>} */
  const declarations = new Map();
  for (const statement of program.body) {
    const node = /** @type {any} */ (
      'declaration' in statement && statement.declaration ? statement.declaration : statement
    );
    const name = node.id?.name ?? node.declarations?.[0]?.id?.name;
    if (!name) continue;
    const members = membersOf(node).flatMap((/** @type {any} */ member) => {
      if (!['TSPropertySignature', 'TSMethodSignature'].includes(member.type)) return [];
      return {
        name: member.key.name ?? member.key.value,
        type: typeOf(member, source),
        optional: member.optional === true,
        doc: docBefore(member.start),
      };
    });
    const overload = declarations.get(name);
    if (!overload?.doc) declarations.set(name, { name, doc: docBefore(statement.start), members });
  }
  files.set(join(root, path), declarations);
  return declarations;
}

/** Members of an interface, of an object type, or of the object types in an intersection. @returns {any[]} */
function membersOf(/** @type {any} */ { type, body, typeAnnotation }) {
  if (type === 'TSInterfaceDeclaration') return body.body;
  if (type !== 'TSTypeAliasDeclaration') return [];
  return [typeAnnotation, ...(typeAnnotation.types ?? [])].flatMap(({ members = [] }) => members);
}

/** The type as it is written in the source, on one line. */
function typeOf(/** @type {any} */ member, /** @type {string} */ source) {
  const text =
    member.type === 'TSMethodSignature'
      ? source.slice(member.key.end, member.end)
      : source.slice(member.typeAnnotation.typeAnnotation.start, member.typeAnnotation.typeAnnotation.end);
  return text
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/\s+/g, ' ')
    .replace(/^\?/, '')
    .replace(/;$/, '')
    .replace(/([([{]) /g, '$1')
    .replace(/,? ([)\]])/g, '$1')
    .trim();
}

/** @returns {Declaration} */
export function readDeclaration(/** @type {string} */ root, /** @type {string} */ place) {
  const [path = '', name = ''] = place.split('#');
  const found = readDeclarations(root, path).get(name);
  if (!found) throw new Error(`${path} declares no ${name}.`);
  return found;
}
