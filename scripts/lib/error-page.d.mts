export const remedies: Readonly<Record<string, string>>;
export function renderErrorPage(root: string): string;
