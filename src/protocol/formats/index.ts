/**
 * The table of formats and its look-ups. What a route admits, what an extension means, what the first bytes must be and
 * how a file may be displayed all derive from this table.
 */
import { archives } from './archives.ts';
import { audio } from './audio.ts';
import { documents } from './documents.ts';
import { type Format, type Rows, rowToFormat } from './format.ts';
import { images } from './images.ts';
import { others } from './other.ts';
import { texts } from './text.ts';
import { video } from './video.ts';

export type { Format, Signature } from './format.ts';

const tables: readonly Rows[] = [images, video, audio, texts, documents, archives, others];

export const formats: readonly Format[] = tables.flatMap((rows) =>
  Object.entries(rows).map(([type, row]) => rowToFormat(type, row)),
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

/** Finds the format that has this type as one of its spellings. */
export function formatOf(type: string): Format | undefined {
  return byType.get(type);
}

/** Finds the formats of a file name extension (lower case, without the dot), the most common first. */
export function formatsOfExtension(extension: string): readonly Format[] {
  return byExtension.get(extension) ?? [];
}

/**
 * Whether two types are spellings of one format: `image/jpg` and `image/jpeg` are, `video/mp4` and `audio/mp4` are not.
 */
export function isSameFormat(a: string, b: string): boolean {
  if (a === b) return true;
  const format = byType.get(a);
  return format !== undefined && format === byType.get(b);
}

/** @returns the canonical spelling; the type itself when it is not in the table */
export function canonicalType(type: string): string {
  return byType.get(type)?.type ?? type;
}

/** Whether a browser runs files of this type or scripts in them. No wildcard admits such a type. */
export function isActiveType(type: string): boolean {
  return byType.get(type)?.active ?? type.endsWith('+xml');
}
