/** What this page must know of where it stands. `page.json` lies beside it; the dev server writes it. */

export interface PageSetup {
  /** Where the server's uploads live; on another origin when the server does. */
  endpoint: string;
  /** Where the counts of an upload are asked for: `{waysUrl}/{uploadId}`. Null when nobody counts. */
  waysUrl: string | null;
  /** For the form's second box. @example '127.0.0.1:4401/uploads' */
  storeName: string;
  /** Whether its routes take `{relativePath}` as metadata. */
  takesPaths?: boolean;
  services: { route: string; title: string }[];
}

export async function loadSetup(): Promise<PageSetup> {
  const answer = await fetch('page.json', { cache: 'no-store' });
  if (!answer.ok) throw new Error(`page.json answered ${answer.status}`);
  return (await answer.json()) as PageSetup;
}
