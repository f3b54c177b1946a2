import type { Catalogue } from './catalogue.ts';
import { en } from './en.ts';

/** Each language loads by itself, so that a page pays for the one that it shows. */
const catalogues = {
  ar: async () => (await import('./ar.ts')).ar,
  de: async () => (await import('./de.ts')).de,
  en: async () => en,
  es: async () => (await import('./es.ts')).es,
  fr: async () => (await import('./fr.ts')).fr,
  it: async () => (await import('./it.ts')).it,
  ja: async () => (await import('./ja.ts')).ja,
  ko: async () => (await import('./ko.ts')).ko,
  nl: async () => (await import('./nl.ts')).nl,
  pl: async () => (await import('./pl.ts')).pl,
  pt: async () => (await import('./pt.ts')).pt,
  tr: async () => (await import('./tr.ts')).tr,
  zh: async () => (await import('./zh.ts')).zh,
} as const satisfies Record<string, () => Promise<Catalogue>>;

/** A language that Waybill has messages in. */
export type Language = keyof typeof catalogues;

/** The languages that Waybill has messages in, as BCP 47 tags. */
export const languages = Object.keys(catalogues) as readonly Language[];

/** The language of the catalogues for a BCP 47 tag: `pt` for `pt-BR`, `en` for a language without a catalogue. */
export function languageOf(tag: string): Language {
  const language = tag.toLowerCase().split('-', 1)[0] ?? '';
  return Object.hasOwn(catalogues, language) ? (language as Language) : 'en';
}

/**
 * Loads the messages of a language.
 * @param tag a BCP 47 tag. Another region has the same messages; a language without messages gets English.
 * @example const translator = createTranslator(await loadMessages('pt-BR'), 'pt-BR')
 */
export function loadMessages(tag: string): Promise<Catalogue> {
  return catalogues[languageOf(tag)]();
}
