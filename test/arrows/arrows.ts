/**
 * The import rules of docs/architecture.md as a table, and a function that checks the imports of a file. Type imports
 * count as well, because a type import makes a module depend on another one, too.
 */
import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { parseSync } from 'vite';

interface ImportRules {
  /** Modules of src that it may import. */
  modules: readonly string[];
  /** Packages of npm that it may import. */
  packages: readonly string[];
  /** Whether it may import `node:` modules, or in which of its folders. */
  node: boolean | readonly string[];
  /** Expressions that it may pass to `import()`. */
  computed?: readonly string[];
}

export const importRules: Readonly<Record<string, ImportRules>> = {
  protocol: { modules: [], packages: [], node: false },
  // `peer` names an optional peer dependency. The variable hides it from the compiler and from bundlers, because it may
  // be absent.
  s3: { modules: ['protocol'], packages: ['fast-xml-parser'], node: true, computed: ['peer'] },
  server: {
    modules: ['s3', 'protocol'],
    packages: ['file-type', 'rate-limiter-flexible', 'standardwebhooks', 'valibot'],
    node: true,
    computed: ['peer'],
  },
  ledger: {
    modules: ['server', 'protocol'],
    packages: ['kysely', 'libsql', 'mysql2', 'pg', 'rate-limiter-flexible'],
    node: true,
    computed: ['peer'],
  },
  adapters: { modules: ['server', 'protocol'], packages: ['@nestjs/common', '@nestjs/core'], node: true },
  // `heic-to` is the optional peer of client/prepare/heic.ts alone.
  client: { modules: ['protocol'], packages: ['heic-to'], node: ['node'] },
  bindings: { modules: ['client', 'protocol'], packages: [], node: false },
  react: { modules: ['bindings', 'client', 'protocol'], packages: ['react'], node: false },
  vue: { modules: ['bindings', 'client', 'protocol'], packages: ['vue'], node: false },
  svelte: { modules: ['bindings', 'client', 'protocol'], packages: ['svelte'], node: false },
  solid: { modules: ['bindings', 'client', 'protocol'], packages: ['solid-js'], node: false },
  angular: { modules: ['bindings', 'client', 'protocol'], packages: ['@angular/core'], node: false },
  filepond: { modules: ['client', 'protocol'], packages: [], node: false },
  uppy: { modules: ['client', 'protocol'], packages: ['@uppy/core'], node: false },
  messages: { modules: ['protocol'], packages: [], node: false },
  elements: { modules: ['client', 'messages', 'protocol'], packages: [], node: false },
  devstore: { modules: ['s3', 'protocol'], packages: ['fast-xml-parser'], node: true },
  cli: {
    modules: ['protocol', 's3', 'server', 'ledger', 'adapters', 'client', 'devstore'],
    packages: ['@hono/node-server', 'hono', 'pino', 'prom-client', 'valibot'],
    computed: ['pathToFileURL(full).href'],
    node: true,
  },
};

const manifest = new URL('../../package.json', import.meta.url);
const { exports } = JSON.parse(readFileSync(manifest, 'utf8')) as { exports: Record<string, Record<string, string>> };
const publicEntries: ReadonlySet<unknown> = new Set(Object.values(exports).map((entry) => entry['@waybill/source']));

/** The page is an app like any other: it imports the public entry points that run in a browser. */
const pageEntries = /^waybill(\/client(\/(put|check-content|files|folders|prepare|resume-store))?)?$/;

/** The specifiers of all imports in a source: static, re-exported, dynamic, and in `import('...')` types. */
export function importsOf(file: string, source: string): string[] {
  const { module, errors } = parseSync(file, source);
  if (errors.length > 0) throw new Error(`${file} cannot be parsed: ${errors[0]?.message}`);
  const dynamic = module.dynamicImports.map(({ moduleRequest: { start, end } }) => source.slice(start, end));
  // Docstrings show imports of this package.
  const withoutComments = source.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
  const literal = /^(['"`])([^'"`$]*)\1$/;
  // A dynamic import is found twice, because the search for types finds it as well.
  const specifiers = [
    ...module.staticImports.map(({ moduleRequest }) => moduleRequest.value),
    ...module.staticExports.flatMap(({ entries }) =>
      entries.flatMap(({ moduleRequest }) => moduleRequest?.value ?? []),
    ),
    ...dynamic.map((request) => literal.exec(request)?.[2] ?? `computed: ${request}`),
    ...[
      ...withoutComments.matchAll(/\btypeof import\(\s*['"]([^'"]+)['"]\s*\)/g),
      ...withoutComments.matchAll(/(?<!typeof )\bimport\(\s*['"]([^'"]+)['"]\s*\)\s*[.[<]/g),
    ].map(([, specifier = '']) => specifier),
  ];
  return [...new Set(specifiers)];
}

/** Describes every import of the file that breaks a rule. `file` begins with `src/` or `web/`. */
export function violationsOf(file: string, source: string): string[] {
  return importsOf(file, source).flatMap((specifier) => {
    const reason = file.startsWith('web/') ? checkPageImport(file, specifier) : checkImport(file, specifier);
    return reason ? [`${file} imports ${specifier}: ${reason}`] : [];
  });
}

function checkImport(file: string, specifier: string): string | undefined {
  const [, name = '', ...rest] = file.split('/');
  const rules = Object.hasOwn(importRules, name) ? importRules[name] : undefined;
  if (!rules) return `src/${name} is a module without import rules`;
  if (specifier.startsWith('.')) {
    const path = posix.normalize(posix.join(posix.dirname(file), specifier));
    const [top, target = ''] = path.split('/');
    if (top !== 'src') return 'the file is outside of src';
    if (target === name) return name === 'server' ? checkServerImport(file, specifier) : undefined;
    if (!rules.modules.includes(target)) return `${name} must not import ${target}`;
    return isEntryPoint(path) ? undefined : `import ${target} through its index.ts or internal.ts`;
  }
  if (specifier.startsWith('node:')) {
    const isAllowed = typeof rules.node === 'boolean' ? rules.node : rules.node.includes(rest[0] ?? '');
    return isAllowed ? undefined : 'this code also runs outside of Node';
  }
  if (rules.computed?.some((variable) => specifier === `computed: ${variable}`)) return undefined;
  const isAllowed = rules.packages.some((name) => specifier === name || specifier.startsWith(`${name}/`));
  return isAllowed ? undefined : `${name} must not import this package`;
}

/**
 * Other modules import a module through `index.ts`, `internal.ts`, or a file that package.json exports. The files of
 * `protocol` and `messages` are imported one by one, so that a page contains only those that it uses.
 */
function isEntryPoint(path: string): boolean {
  return /^src\/([^/]+\/(index|internal)\.ts$|(protocol|messages)\/)/.test(path) || publicEntries.has(`./${path}`);
}

function checkPageImport(file: string, specifier: string): string | undefined {
  if (!specifier.startsWith('.'))
    return pageEntries.test(specifier) ? undefined : 'the page imports public entry points of the client only';
  const [top] = posix.normalize(posix.join(posix.dirname(file), specifier)).split('/');
  return top === 'web' ? undefined : 'the page imports Waybill by its public entry points';
}

/** Which folders of src/server may import which. The files beside the folders put the folders together. */
export const serverFolders: Readonly<Record<string, readonly string[]>> = {
  shared: [],
  state: ['shared'],
  grants: ['state', 'shared'],
  completion: ['state', 'shared'],
  views: ['grants', 'state', 'shared'],
  files: ['grants', 'completion', 'views', 'state', 'shared'],
  http: ['grants', 'completion', 'files', 'views', 'state', 'shared'],
  sweep: ['completion', 'state', 'shared'],
  'storage-events': ['completion', 'shared'],
  webhooks: ['state', 'shared'],
  'rate-limits': ['shared'],
};

/** The folders that may import a file of src/server which knows all folders. */
const compositionFiles: Readonly<Record<string, readonly string[]>> = {
  'create-uploads.ts': [],
  'index.ts': [],
  'preload.ts': [],
  'resolve-config.ts': [],
  'services.ts': ['http'],
  'upkeep.ts': [],
};

function checkServerImport(file: string, specifier: string): string | undefined {
  const [, , folder = '', inFolder] = file.split('/');
  if (inFolder === undefined || !specifier.startsWith('.')) return undefined;
  const rules = Object.hasOwn(serverFolders, folder) ? serverFolders[folder] : undefined;
  if (!rules) return `src/server/${folder} is a folder without import rules`;
  const [, module, target = '', inTarget] = posix.normalize(posix.join(posix.dirname(file), specifier)).split('/');
  if (module !== 'server' || target === folder) return undefined;
  if (inTarget !== undefined) return rules.includes(target) ? undefined : `${folder} must not import ${target}`;
  const importers = Object.hasOwn(compositionFiles, target) ? compositionFiles[target] : undefined;
  return !importers || importers.includes(folder) ? undefined : `${folder} must not import ${target}`;
}

/**
 * Finds the circles of imports among these sources: sets of files each of which leads to every other, type imports and
 * `import()` included. Tarjan's algorithm.
 */
export function circlesOf(sources: ReadonlyMap<string, string>): string[][] {
  const targets = new Map(
    [...sources].map(([file, source]) => [
      file,
      importsOf(file, source)
        .filter((specifier) => specifier.startsWith('.'))
        .map((specifier) => posix.normalize(posix.join(posix.dirname(file), specifier)))
        .filter((target) => sources.has(target)),
    ]),
  );
  const circles: string[][] = [];
  const indexes = new Map<string, number>();
  const stack: string[] = [];

  function visit(file: string): number {
    const index = indexes.size;
    let low = index;
    indexes.set(file, index);
    stack.push(file);
    for (const target of targets.get(file) ?? []) {
      if (!indexes.has(target)) low = Math.min(low, visit(target));
      else if (stack.includes(target)) low = Math.min(low, indexes.get(target) as number);
    }
    if (low === index) {
      const circle = stack.splice(stack.indexOf(file));
      if (circle.length > 1 || targets.get(file)?.includes(file)) circles.push(circle.sort());
    }
    return low;
  }

  for (const file of sources.keys()) if (!indexes.has(file)) visit(file);
  return circles;
}
