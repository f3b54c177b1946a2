/**
 * Finds the files that a route will refuse, before anything is sent. It is loaded with the first files that are
 * dropped or chosen.
 */
import type { FoundFile } from '../client/folders.ts';
import { checkFile } from '../client/internal.ts';
import { WaybillError } from '../protocol/errors.ts';
import type { RouteInfo } from '../protocol/index.ts';
import { tooManyFiles } from '../protocol/limits.ts';
import type { Rejection } from './dropzone-types.ts';

type RouteLimits = RouteInfo['limits'];

/** @param maxFiles 1 where one file at a time is taken, otherwise the limit of the route */
export async function findRejections(
  files: readonly FoundFile[],
  limits: RouteLimits,
  maxFiles: number,
): Promise<Rejection[]> {
  const surplus = files.length > maxFiles ? () => tooManyFiles(files.length, maxFiles) : undefined;
  const errors = await Promise.all(files.map((file) => surplus?.() ?? checkOne(file, limits)));
  return files.flatMap((file, index) => {
    const error = errors[index];
    return error ? [{ fileName: file.fileName, relativePath: file.relativePath, error, file }] : [];
  });
}

async function checkOne(file: FoundFile, limits: RouteLimits): Promise<WaybillError | null> {
  const { fileName, contentType = '', size } = file;
  // An empty file may be one that has vanished. The client finds out by reading it.
  if (size === 0) return null;
  return (
    checkFile(limits, { fileName, contentType }, size, 1) ?? checkType(limits, fileName, contentType.toLowerCase())
  );
}

/**
 * A type has many spellings, and the file name may decide instead, so only the rules of the server refuse a type. They
 * contain the table of formats (16 kB compressed), which is loaded for a type that is not admitted as it stands.
 */
async function checkType(limits: RouteLimits, fileName: string, contentType: string): Promise<WaybillError | null> {
  const { contentTypes } = limits;
  if (!contentTypes || isAdmittedAsItStands(contentTypes, contentType)) return null;
  const { resolveContentType, typeNotAllowed } = await import('../protocol/content-types.ts');
  const resolved = resolveContentType(contentTypes, contentType, fileName);
  return resolved.admitted ? null : typeNotAllowed(limits, resolved.contentType);
}

function isAdmittedAsItStands(patterns: readonly string[], contentType: string): boolean {
  if (patterns.includes(contentType)) return true;
  const [family] = contentType.split('/');
  // SVG is the only type of these families that a browser executes. No wildcard admits it.
  const isMedia = /^(image|video|audio)\/[^*]/.test(contentType) && !contentType.endsWith('+xml');
  return isMedia && (patterns.includes(`${family}/*`) || patterns.includes('*/*'));
}

/** The rejection of a file or folder that could not be read: it was deleted, or the user may not read it. */
export function rejectUnreadable(relativePath: string): Rejection {
  const error = new WaybillError('source_unreadable', 'This file or folder could not be read.');
  const fileName = relativePath.slice(relativePath.lastIndexOf('/') + 1);
  return { fileName, relativePath, error, file: null };
}
