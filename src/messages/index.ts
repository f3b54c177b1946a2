/**
 * messages: what Waybill says to the users of an app, in several languages. Each language is loaded by itself. The web
 * component uses it, and so can any other user interface.
 */
export type { Catalogue, MessageKey, Placeholders, PluralText, Values } from './catalogue.ts';
export { en } from './en.ts';
export { errorText } from './errors.ts';
export { type Language, languageOf, languages, loadMessages } from './load.ts';
export { createTranslator, type Formats, type Translator } from './translate.ts';
export { describeTypes } from './types.ts';
