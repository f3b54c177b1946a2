/** Serves the built page from memory, so that no path of a request is looked up on disk. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { Hono } from 'hono';
import { extensionOf, formatsOfExtension } from '../../protocol/index.ts';
import { environmentError } from '../cli-error.ts';

export interface PageOptions {
  /** The output folder of `vite build`. */
  dir: string;
  /** The content of page.json, see web/src/page-config.ts. */
  setup: unknown;
  /** The origins of the storage, to which the page may connect. */
  origins: readonly string[];
}

/** @throws CliError when there is no built page in `dir` */
export async function createPage({ dir, setup, origins }: PageOptions): Promise<Hono> {
  const files = await readAll(dir);
  const app = new Hono();
  const policy = contentSecurityPolicy(origins);
  app.use(async (context, next) => {
    await next();
    context.header('content-security-policy', policy);
    context.header('x-content-type-options', 'nosniff');
    context.header('referrer-policy', 'no-referrer');
    context.header('cross-origin-opener-policy', 'same-origin');
    context.header('cross-origin-resource-policy', 'same-origin');
  });
  app.get('/page.json', (context) => context.json(setup, 200, { 'cache-control': 'no-store' }));
  app.get('*', (context) => {
    const file = files.get(context.req.path === '/' ? '/index.html' : context.req.path);
    if (!file) return context.notFound();
    const headers = {
      'content-type': file.contentType,
      // Vite puts a digest of the content into file names below assets/.
      'cache-control': context.req.path.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
      etag: file.etag,
    };
    if (context.req.header('if-none-match') === file.etag) return context.body(null, 304, headers);
    return context.body(file.body, 200, headers);
  });
  return app;
}

/**
 * Allows no inline code, and no origin except the page and the storage, which receives uploads and serves stored files.
 */
export function contentSecurityPolicy(origins: readonly string[]): string {
  const storage = origins.join(' ');
  return [
    "default-src 'none'",
    "script-src 'self'",
    // The client hashes parts in a worker that it creates from a blob.
    "worker-src 'self' blob:",
    "style-src 'self'",
    "font-src 'self'",
    `connect-src 'self' ${storage}`,
    // The page shows a picture on disk by a blob URL while it is sent.
    `img-src 'self' blob: ${storage}`,
    `media-src 'self' ${storage}`,
    `frame-src 'self' ${storage}`,
    "form-action 'none'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

async function readAll(dir: string): Promise<Map<string, PageFile>> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = new Map<string, PageFile>();
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const body = new Uint8Array(await readFile(path));
    const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
    const type = formatsOfExtension(extensionOf(entry.name))[0]?.type ?? 'application/octet-stream';
    const contentType = /^text\/|javascript|json|svg/.test(type) ? `${type}; charset=utf-8` : type;
    files.set(`/${relative(dir, path).split(sep).join('/')}`, { body, etag, contentType });
  }
  if (!files.has('/index.html'))
    throw environmentError('The page has not been built.', 'In a checkout, run: npm run build');
  return files;
}

interface PageFile {
  body: Uint8Array<ArrayBuffer>;
  etag: string;
  contentType: string;
}
