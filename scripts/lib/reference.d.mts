import type { Member } from './docstrings.mjs';

export interface ReferenceTable {
  of: string;
  title?: string;
  only?: string[];
  omit?: string[];
  kind?: 'options' | 'members';
}
export const sections: { title: string; module: string; fn?: string; intro?: string; tables: ReferenceTable[] }[];
export const withoutSection: ReadonlySet<string>;
export function membersOf(root: string, table: ReferenceTable): Member[];
export function renderReference(root: string): string;
export function anchorOf(heading: string): string;
