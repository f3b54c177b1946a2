/** The type of a catalogue of messages. */
import type { en } from './en.ts';

type English = typeof en;
export type MessageKey = keyof English;

/** A text for each plural form that the language has (`Intl.PluralRules`). `{count}` chooses the form. */
export type PluralText = { readonly other: string } & { readonly [Form in Intl.LDMLPluralRule]?: string };

/**
 * All messages of one language. Write a language of your own with this type: a missing key does not compile. Each text
 * has the placeholders of the English one, such as `{size}`; forms of a plural may leave out `{count}`.
 * @example const sv: Catalogue = { drop: 'Släpp eller klistra in filer här', ... };
 */
export type Catalogue = {
  readonly [Key in MessageKey]: English[Key] extends string ? string : PluralText;
};

type Template<Key extends MessageKey> = English[Key] extends { readonly other: infer Other } ? Other : English[Key];
type PlaceholdersIn<Text> = Text extends `${string}{${infer Name}}${infer Rest}` ? Name | PlaceholdersIn<Rest> : never;

/** The names of the placeholders of a message. */
export type Placeholders<Key extends MessageKey> =
  | PlaceholdersIn<Template<Key>>
  | (English[Key] extends string ? never : 'count');

/** Numbers are written as the language writes them. */
export type Values<Key extends MessageKey> = { readonly [Name in Placeholders<Key>]: string | number };
