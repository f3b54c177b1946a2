/** The types of files that a route accepts, in words. */
import type { MessageKey } from './catalogue.ts';
import type { Translator } from './translate.ts';

const typeNames = {
  'image/*': 'typeImages',
  'video/*': 'typeVideos',
  'audio/*': 'typeAudio',
  'text/*': 'typeText',
} as const satisfies Record<string, MessageKey>;

/** The accepted types as a list, such as `Images, PDF`. Empty when a route accepts every type. */
export function describeTypes(
  translator: Translator,
  { contentTypes, extensions }: { contentTypes?: readonly string[]; extensions?: readonly string[] },
): string {
  if (extensions) return translator.list(extensions.map((extension) => extension.toUpperCase()));
  if (!contentTypes || contentTypes.includes('*/*')) return '';
  return translator.list([...new Set(contentTypes.map((type) => typeName(translator, type)))]);
}

function typeName(translator: Translator, contentType: string): string {
  if (Object.hasOwn(typeNames, contentType)) return translator.text(typeNames[contentType as keyof typeof typeNames]);
  const [, subtype = contentType] = contentType.split('/');
  // `vnd.openxmlformats-officedocument.wordprocessingml.document` is no name for a user, and neither is `x-zip`.
  const [withoutSuffix = ''] = subtype.split('+');
  return (officeNames[subtype] ?? withoutSuffix.replace(/^(x|vnd)[-.]/, '')).toUpperCase();
}

const officeNames: Readonly<Record<string, string>> = {
  plain: 'TXT',
  msword: 'DOC',
  'vnd.ms-excel': 'XLS',
  'vnd.ms-powerpoint': 'PPT',
  'vnd.openxmlformats-officedocument.wordprocessingml.document': 'DOCX',
  'vnd.openxmlformats-officedocument.spreadsheetml.sheet': 'XLSX',
  'vnd.openxmlformats-officedocument.presentationml.presentation': 'PPTX',
};
