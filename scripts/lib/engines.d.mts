export function findFirefox(): string | undefined;
export function findWebkitDriver(): string | undefined;
export function findXvfb(): string | undefined;
