export const workerCodePath: string;
export function renderWorkerCode(root: string): Promise<string>;
