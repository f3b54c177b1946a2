/** Words of a text that have no place in code or documents, with the line (from 1) and what to write instead. */
export function findWords(text: string): { line: number; word: string; instead: string }[];
/** Searches the repository and prints what it finds. Returns an exit code. */
export function checkWords(): number;
