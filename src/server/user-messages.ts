/** Texts for the person who uploads that several places use: what happened, and what to do next. */

export const notAvailable = 'Uploads are not available right now. Try again later.';
export const damaged = 'The file was damaged on its way. Send it again.';
export const expired = 'This upload has expired. Start it again.';
export const beingCompleted = 'This upload is already being completed.';

export function tooManyFiles(maxFiles: number): string {
  return maxFiles === 1 ? 'Send one file at a time.' : `Send at most ${maxFiles} files at a time.`;
}
