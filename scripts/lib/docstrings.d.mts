export interface Docstring {
  text: string;
  internal: boolean;
  defaults: string[];
  examples: string[];
  throws: string[];
}
export interface Member {
  name: string;
  type: string;
  optional: boolean;
  doc: Docstring | null;
}
export function readDocstring(text: string): Docstring;
