/** One defence, how to remove it, and the test that must then fail. */
export interface Defence {
  /** How the title of the test begins: an attack id, and words after it where one id has several tests. */
  attack: string;
  /** Name of the test file, without `.test.ts`. */
  suite: string;
  file: string;
  find: string;
  replace: string;
}
export const defences: readonly Defence[];
