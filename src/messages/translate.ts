import type { Catalogue, MessageKey, Placeholders, Values } from './catalogue.ts';

/** Sizes, times and lists, as one language writes them. */
export interface Formats {
  /** @example size(3_200_000) // '3.2 MB' */
  size(bytes: number): string;
  /** Both sizes, in exact bytes when they would round to the same text. */
  sizes(size: number, limit: number): [size: string, limit: string];
  /** Rounded up. @example duration(75) // '2 min' */
  duration(seconds: number): string;
  /** @example percent(0.5) // '50%' */
  percent(share: number): string;
  /** @example list(['PDF', 'PNG']) // 'PDF, PNG' */
  list(items: readonly string[]): string;
}

/** Writes the messages of one catalogue. */
export interface Translator extends Formats {
  readonly language: string;
  /** The text of a message with its placeholders filled in. */
  text<Key extends MessageKey>(key: Key, ...values: [Placeholders<Key>] extends [never] ? [] : [Values<Key>]): string;
}

/**
 * Writes messages in the language of a catalogue. Without a language that `Intl` knows, numbers are written as in
 * English.
 * @param language a BCP 47 tag, for plural forms, numbers and sizes
 * @example createTranslator(await loadMessages('de'), 'de').text('added', { count: 3 })
 */
export function createTranslator(catalogue: Catalogue, language: string): Translator {
  const locale = isKnown(language) ? language : 'en';
  const plurals = new Intl.PluralRules(locale);
  const numbers = new Intl.NumberFormat(locale);
  return {
    language: locale,
    ...createFormats(locale),
    text(key, ...given) {
      const values: Readonly<Record<string, string | number>> = given[0] ?? {};
      const entry = catalogue[key];
      const template = typeof entry === 'string' ? entry : (entry[plurals.select(Number(values.count))] ?? entry.other);
      return template.replace(/\{(\w+)\}/g, (_placeholder, name: string) => {
        const value = values[name] ?? '';
        return typeof value === 'number' ? numbers.format(value) : value;
      });
    },
  };
}

function isKnown(language: string): boolean {
  try {
    return Intl.NumberFormat.supportedLocalesOf(language).length > 0;
  } catch {
    return false;
  }
}

const sizeUnits = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const;

function createFormats(locale: string): Formats {
  const format = (value: number, options: Intl.NumberFormatOptions) =>
    new Intl.NumberFormat(locale, options).format(value);
  const unit = (value: number, name: string, digits = 0, unitDisplay: 'short' | 'long' = 'short') =>
    format(value, { style: 'unit', unit: name, unitDisplay, maximumFractionDigits: digits });
  const exactly = (bytes: number) => unit(bytes, 'byte', 0, 'long');

  function size(bytes: number): string {
    let value = bytes;
    let step = 0;
    for (; value >= 999.5 && step < sizeUnits.length - 1; step += 1) value /= 1000;
    return step === 0 ? exactly(bytes) : unit(value, sizeUnits[step] as string, value < 9.95 ? 1 : 0);
  }

  return {
    size,
    sizes(bytes, limit) {
      const texts: [string, string] = [size(bytes), size(limit)];
      return texts[0] === texts[1] ? [exactly(bytes), exactly(limit)] : texts;
    },
    duration(seconds) {
      const whole = Math.max(1, Math.ceil(seconds));
      if (whole < 60) return unit(whole, 'second');
      if (whole < 3600) return unit(Math.ceil(whole / 60), 'minute');
      return unit(whole / 3600, 'hour', 1);
    },
    percent: (share) => format(share, { style: 'percent' }),
    list: (items) => new Intl.ListFormat(locale, { type: 'unit', style: 'short' }).format(items),
  };
}
