/**
 * The pages of the document site, in the order of its sidebar. Each is a Markdown file of the repository that GitHub
 * shows as well. `test/docs/site.test.ts` fails when a page of docs/ is missing here.
 */
export interface Section {
  title: string;
  pages: readonly Page[];
}

export interface Page {
  title: string;
  /** The path of the Markdown file from the root of the repository. */
  file: string;
  /** A heading of the page: the link leads there. A page may have several such links. */
  anchor?: string;
}

const doc = (title: string, name: string, anchor?: string): Page => ({
  title,
  file: `docs/${name}.md`,
  ...(anchor === undefined ? {} : { anchor }),
});
const framework = (title: string, anchor: string) => doc(title, 'frameworks', anchor);
const example = (title: string, name: string): Page => ({ title, file: `examples/${name}/README.md` });

export const sections: readonly Section[] = [
  {
    title: 'Start',
    pages: [
      { title: 'What Waybill is', file: 'README.md' },
      doc('Quick start', 'quick-start'),
      doc('See it run', 'demo'),
      doc('Compared with others', 'comparison'),
    ],
  },
  {
    title: 'Frameworks',
    pages: [
      doc('All frameworks', 'frameworks'),
      framework('Next.js', 'nextjs-app-router'),
      framework('Express', 'express'),
      framework('Fastify', 'fastify'),
      framework('Hono', 'hono'),
      framework('Koa', 'koa'),
      framework('NestJS', 'nestjs'),
      framework('Nuxt', 'nuxt'),
      framework('React Router', 'react-router'),
      framework('SvelteKit', 'sveltekit'),
      framework('h3, Nitro', 'h3-nitro'),
      framework('AWS Lambda', 'aws-lambda'),
      framework('node:http', 'nodehttp'),
      framework('Workers, Bun, Deno', 'workers-bun-deno'),
    ],
  },
  {
    title: 'Guides',
    pages: [
      doc('Security in plain words', 'guides/security'),
      doc('Large files', 'guides/large-files'),
      doc('Closed tabs', 'guides/closed-tabs'),
      doc('Phones', 'guides/phones'),
      doc('Showing files', 'guides/showing-files'),
      doc('Quotas', 'guides/quotas'),
      doc('Behind a proxy', 'guides/behind-a-proxy'),
      doc('Testing your app', 'guides/testing'),
      doc('Recipes', 'recipes'),
      doc('Files of an app', 'files'),
      doc('Prepare files', 'prepare'),
    ],
  },
  {
    title: 'With other libraries',
    pages: [
      doc('React, Vue, Svelte, Solid, Angular', 'bindings'),
      doc('The web component', 'element'),
      doc('Beside another library', 'interop'),
      doc('From Uppy', 'guides/from-uppy'),
      doc('From UploadThing', 'guides/from-uploadthing'),
      doc('From multer', 'guides/from-multer'),
    ],
  },
  { title: 'Storage', pages: [doc('Setting up a bucket', 'storage'), doc('The development store', 'devstore')] },
  { title: 'In production', pages: [doc('Operations', 'operations'), doc('Webhooks', 'webhooks')] },
  { title: 'Reference', pages: [doc('API', 'reference'), doc('Errors', 'errors'), doc('HTTP protocol', 'protocol')] },
  {
    title: 'Safety and speed',
    pages: [
      doc('Guarantees', 'guarantees'),
      doc('Threat model', 'threat-model'),
      doc('Benchmarks', 'benchmarks'),
      doc('Browsers', 'browsers'),
    ],
  },
  {
    title: 'Examples',
    pages: [
      example('Express', 'express'),
      example('React', 'react'),
      example('Next.js', 'next'),
      example('Nuxt', 'nuxt'),
      example('React Router', 'react-router'),
      example('SvelteKit', 'sveltekit'),
    ],
  },
  {
    title: 'The project',
    pages: [
      doc('Architecture', 'architecture'),
      doc('Postmortem: check and use', 'postmortems/check-and-use'),
      { title: 'Changes', file: 'CHANGELOG.md' },
      { title: 'Contributing', file: 'CONTRIBUTING.md' },
      { title: 'The tests', file: 'test/README.md' },
    ],
  },
];

/** Every Markdown file of the site. */
export const files: readonly string[] = [...new Set(sections.flatMap(({ pages }) => pages.map(({ file }) => file)))];

/** Files whose place on the site does not follow from their own path. */
const places: Readonly<Record<string, string>> = {
  'README.md': 'index.md',
  'CHANGELOG.md': 'changelog.md',
  'CONTRIBUTING.md': 'contributing.md',
  'test/README.md': 'tests.md',
};

/** Where a Markdown file is on the site: `docs/storage.md` is `storage.md`, and an example has a page of its own. */
export function placeOf(file: string): string {
  const place = places[file] ?? file.replace(/^docs\//, '').replace(/^(examples\/[^/]+)\/README\.md$/, '$1.md');
  return place.toLowerCase();
}
