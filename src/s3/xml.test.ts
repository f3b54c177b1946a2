import fc from 'fast-check';
import { XMLParser } from 'fast-xml-parser';
import { describe, expect, it } from 'vitest';
import { parseFlat, parseXml } from './xml.ts';

const general = new XMLParser({ parseTagValue: false, trimValues: false, ignoreAttributes: true, htmlEntities: true });

describe('parseFlat()', () => {
  it.each([
    ['<R><ETag>"e"</ETag></R>', { ETag: '"e"' }],
    ['  \n<?xml version="1.0"?>\n<R xmlns="http://s3/"><A> 007 </A>\n <B></B></R>\n', { A: ' 007 ', B: '' }],
    ['<R><ETag>&quot;e&#34;</ETag></R>', { ETag: '"e"' }],
    ['<R/>', {}],
    ['<R xmlns="x" />', {}],
  ])('parses %j', (text, children) => {
    expect(parseFlat(text)).toEqual({ R: children });
  });

  it.each([
    '<R><A><B>1</B></A></R>',
    '<R><A>1</A><A>2</A></R>',
    '<R><A x="1">1</A></R>',
    '<R><A>&amp;quot;</A></R>',
    '<R>text<A>1</A></R>',
    '<R><A>1</A>text</R>',
    '<R><!-- c --><A>1</A></R>',
    '<R><A><![CDATA[1]]></A></R>',
    '<R><A>1</A></R><Error><Code>X</Code></Error>',
    '<R><A>1</A>',
    '<R><A>1</B></R>',
    '<DeleteResult><Error></Error></DeleteResult>',
    `<R><A>${'x'.repeat(5000)}</A></R>`,
    '',
  ])('returns null for %.40j', (text) => expect(parseFlat(text)).toBeNull());

  it('returns the same result as the general parser', async () => {
    const piece = fc.constantFrom(
      '<A>',
      '</A>',
      '<B>',
      '</B>',
      '<R>',
      '</R>',
      '<B/>',
      ' ',
      'a',
      '"',
      '&quot;',
      '&amp;',
      ' x="1"',
      '>',
      '<',
    );
    const text = fc.array(piece, { maxLength: 8 }).map((pieces) => `<R>${pieces.join('')}</R>`);
    let read = 0;
    await fc.assert(
      fc.asyncProperty(text, async (text) => {
        const flat = parseFlat(text);
        if (!flat) return;
        read += 1;
        const { R } = general.parse(text) as { R: unknown };
        expect(flat).toEqual({ R: R === '' || /^\s+$/.test(String(R)) ? {} : withoutSpace(R as object) });
        expect(await parseXml(text)).toEqual(flat);
      }),
      { numRuns: 5000 },
    );
    expect(read).toBeGreaterThan(50);
  });
});

/** Removes the spaces between elements. */
function withoutSpace(element: object): object {
  return Object.fromEntries(Object.entries(element).filter(([name]) => name !== '#text'));
}
