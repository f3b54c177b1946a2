/**
 * Which room may import which: the arrows of docs/architecture.md as a table, and a reader of imports that holds each file
 * to it. Type imports count as well: they are how a client would come to know a server.
 */
import { posix } from 'node:path';
import { parseSync } from 'vite';

interface Room {
  /** Rooms of src it may import. */
  rooms: readonly string[];
  /** Packages of npm. */
  packages: readonly string[];
  /** Whether `node:` modules are there, or in which folders of the room. */
  node: boolean | readonly string[];
  /** Names of variables that it imports by. */
  computed?: readonly string[];
}

export const arrows: Readonly<Record<string, Room>> = {
  protocol: { rooms: [], packages: [], node: false },
  // `peer` is an optional peer dependency: it may be absent, and so it is hidden from the compiler and from bundlers.
  s3: { rooms: ['protocol'], packages: ['fast-xml-parser'], node: true, computed: ['peer'] },
  server: {
    rooms: ['s3', 'protocol'],
    packages: ['file-type', 'rate-limiter-flexible', 'standardwebhooks', 'valibot'],
    node: true,
    computed: ['peer'],
  },
  ledger: {
    rooms: ['server', 'protocol'],
    packages: ['kysely', 'libsql', 'pg', 'rate-limiter-flexible'],
    node: true,
    computed: ['peer'],
  },
  adapters: { rooms: ['server', 'protocol'], packages: [], node: true },
  client: { rooms: ['protocol'], packages: [], node: ['node'] },
  react: { rooms: ['client', 'protocol'], packages: ['react'], node: false },
  devstore: { rooms: ['s3', 'protocol'], packages: ['fast-xml-parser'], node: true },
  cli: {
    rooms: ['protocol', 's3', 'server', 'ledger', 'adapters', 'client', 'devstore'],
    packages: ['@hono/node-server', 'hono', 'pino', 'prom-client', 'valibot'],
    computed: ['pathToFileURL(full).href'],
    node: true,
  },
};

/** The page is an app like any other: of Waybill it imports public entry points that run in a browser. */
const pageEntries = /^waybill(\/client(\/(put|check-content|folders|resume-store))?)?$/;

export interface Import {
  /** As written. */
  specifier: string;
}

/** Every module that this source names: static, re-exported, dynamic, and in `import('...')` types. */
export function importsOf(file: string, source: string): Import[] {
  const { module, errors } = parseSync(file, source);
  if (errors.length > 0) throw new Error(`${file} does not parse: ${errors[0]?.message}`);
  const dynamic = module.dynamicImports.map(({ moduleRequest: { start, end } }) => source.slice(start, end));
  const literal = /^(['"`])([^'"`$]*)\1$/;
  return [
    ...module.staticImports.map(({ moduleRequest }) => moduleRequest.value),
    ...module.staticExports.flatMap(({ entries }) =>
      entries.flatMap(({ moduleRequest }) => moduleRequest?.value ?? []),
    ),
    ...dynamic.map((request) => literal.exec(request)?.[2] ?? `computed: ${request}`),
    ...[...source.matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)\s*[.[<]/g)].map(([, specifier = '']) => specifier),
  ].map((specifier) => ({ specifier }));
}

/** What is wrong with the file's imports, in words; empty when nothing is. `file` begins with `src/` or `web/`. */
export function violationsOf(file: string, source: string): string[] {
  return importsOf(file, source).flatMap(({ specifier }) => {
    const why = file.startsWith('web/') ? refusedByPage(file, specifier) : refused(file, specifier);
    return why ? [`${file} imports ${specifier}: ${why}`] : [];
  });
}

function refused(file: string, specifier: string): string | undefined {
  const [, name = '', ...rest] = file.split('/');
  const room = Object.hasOwn(arrows, name) ? arrows[name] : undefined;
  if (!room) return `src/${name} is no room that the arrows know`;
  if (specifier.startsWith('.')) {
    const [top, target = ''] = posix.normalize(posix.join(posix.dirname(file), specifier)).split('/');
    if (top !== 'src') return 'it leaves src';
    return target === name || room.rooms.includes(target) ? undefined : `${name} must not know ${target}`;
  }
  if (specifier.startsWith('node:')) {
    const there = typeof room.node === 'boolean' ? room.node : room.node.includes(rest[0] ?? '');
    return there ? undefined : 'this code runs where there is no Node';
  }
  if (room.computed?.some((variable) => specifier === `computed: ${variable}`)) return undefined;
  const named = room.packages.some((name) => specifier === name || specifier.startsWith(`${name}/`));
  return named ? undefined : `not among the packages of ${name}`;
}

function refusedByPage(file: string, specifier: string): string | undefined {
  if (!specifier.startsWith('.'))
    return pageEntries.test(specifier) ? undefined : 'the page imports public entry points of the client only';
  const [top] = posix.normalize(posix.join(posix.dirname(file), specifier)).split('/');
  return top === 'web' ? undefined : 'the page imports Waybill by its public entry points';
}
