/**
 * The table of formats, and the questions that are put to it. What a route admits, what an extension means, what the
 * first bytes must be and how a file may be shown all come from here, so that they cannot contradict each other.
 */
import { archives } from './archives.ts';
import { audio } from './audio.ts';
import { documents } from './documents.ts';
import { type Format, formatOfRow, type Rows } from './format.ts';
import { images } from './images.ts';
import { others } from './other.ts';
import { texts } from './text.ts';
import { video } from './video.ts';

export type { Format, Signature } from './format.ts';

const tables: readonly Rows[] = [images, video, audio, texts, documents, archives, others];

export const formats: readonly Format[] = tables.flatMap((rows) =>
  Object.entries(rows).map(([type, row]) => formatOfRow(type, row)),
);

const byType = new Map<string, Format>();
const byExtension = new Map<string, Format[]>();
for (const format of formats) {
  for (const type of [format.type, ...format.also]) byType.set(type, format);
  for (const extension of format.extensions) {
    const same = byExtension.get(extension);
    if (same) same.push(format);
    else byExtension.set(extension, [format]);
  }
}

/** The format that a type is a spelling of. Undefined when the table does not know it. */
export function formatOf(type: string): Format | undefined {
  return byType.get(type);
}

/** The formats of a file name extension (lower case, without the dot), the most usual first. Empty: unknown. */
export function formatsOfExtension(extension: string): readonly Format[] {
  return byExtension.get(extension) ?? [];
}

/** Whether both name one format: `image/jpg` and `image/jpeg` do, `video/mp4` and `audio/mp4` do not. */
export function isSameFormat(a: string, b: string): boolean {
  if (a === b) return true;
  const format = byType.get(a);
  return format !== undefined && format === byType.get(b);
}

/** The canonical spelling; the type itself when the table does not know it. */
export function canonicalType(type: string): string {
  return byType.get(type)?.type ?? type;
}

/** Types that a browser runs or that carry script in the page's origin. A wildcard never admits one. */
export function isActiveType(type: string): boolean {
  return byType.get(type)?.active ?? type.endsWith('+xml');
}
