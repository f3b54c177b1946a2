/** Settings of the page, from `page.json` beside it. `waybill dev` writes that file (src/cli/dev/server.ts). */

export interface PageConfig {
  /** URL of the upload handler. It may be on another origin. */
  endpoint: string;
  /** Base URL of the transfer statistics: `{transferStatsUrl}/{uploadId}`. Null where the server keeps none. */
  transferStatsUrl: string | null;
  /** Shown in the form. @example '127.0.0.1:4401/uploads' */
  storageName: string;
  /** Whether the routes accept `{ relativePath }` as metadata. */
  acceptsRelativePath?: boolean;
  routes: { route: string; title: string }[];
}

export async function loadPageConfig(): Promise<PageConfig> {
  const response = await fetch('page.json', { cache: 'no-store' });
  if (!response.ok) throw new Error(`page.json answered ${response.status}`);
  return (await response.json()) as PageConfig;
}
