export const begin: string;
export const end: string;
export const meanings: Readonly<Record<string, string>>;
export function readErrors(root: string): { code: string; status: number; retryable: boolean; kind: string }[];
export function readKinds(root: string): { kind: string; meaning: string }[];
export function renderErrorTable(root: string): string;
export function withErrorTable(root: string, page: string): string;
