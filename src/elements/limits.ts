/** The limits of a route: in words, and as the attribute `accept` of a file input. */
import type { RouteInfo } from '../client/index.ts';
import type { Translator } from '../messages/translate.ts';
import { describeTypes } from '../messages/types.ts';

type Limits = RouteInfo['limits'];

/** @param maxFiles the most files in the list; null without a limit */
export function limitsText(translator: Translator, limits: Limits, maxFiles: number | null): string {
  const { text, size } = translator;
  const facts = [describeTypes(translator, limits)];
  if (maxFiles !== null && maxFiles > 1) facts.push(text('limitCount', { count: maxFiles }));
  if (limits.minBytes > 1) facts.push(text('limitMinSize', { size: size(limits.minBytes) }));
  facts.push(text(maxFiles === 1 ? 'limitMaxSizeOne' : 'limitMaxSize', { size: size(limits.maxBytes) }));
  return facts.filter(Boolean).join(' · ');
}

/** Empty when every type is accepted. The server requires both, but `accept` is a union: the narrower one is used. */
export function acceptOf({ contentTypes, extensions }: Partial<Limits>): string {
  const accepted = extensions?.map((extension) => `.${extension}`) ?? contentTypes ?? [];
  return accepted.includes('*/*') ? '' : accepted.join(',');
}
