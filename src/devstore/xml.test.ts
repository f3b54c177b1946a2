import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { getChildText, readXml } from './xml-read.ts';
import { xmlDocument } from './xml-write.ts';

describe('XML', () => {
  it('is read back as the same text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (key) => {
        fc.pre(!/[\ud800-\udfff]/.test(key) || Buffer.from(key).toString() === key);
        expect(getChildText(readXml(xmlDocument('Root', { Key: key })), 'Key')).toBe(key);
      }),
    );
  });

  it('is read with namespaces, CDATA, comments and references', () => {
    const root = readXml(
      '<?xml version="1.0"?><!-- c --><Delete xmlns="http://x/"><Object><Key> a&#13;&amp;<![CDATA[<b>]]></Key></Object></Delete>\n',
    );
    expect(root.name).toBe('Delete');
    expect(getChildText(root.children[0] ?? root, 'Key')).toBe(' a\r&<b>');
  });

  it.each([
    '',
    'text',
    '<a>',
    '<a></b>',
    '<a/><b/>',
    '<a>&nope;</a>',
    '<a>&#xd800;</a>',
    '<a b=c/>',
    '<a>x<b/></a>',
    '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
    `${'<a>'.repeat(100)}${'</a>'.repeat(100)}`,
    '<a>&unfinished</a>',
  ])('is refused: %j', (xml) => {
    expect(() => readXml(xml)).toThrow(expect.objectContaining({ code: 'MalformedXML' }));
  });

  it('is refused when it is not UTF-8', () => {
    expect(() => readXml(Buffer.from([0x3c, 0x61, 0x3e, 0xff, 0x3c, 0x2f, 0x61, 0x3e]))).toThrow();
  });

  it('is parsed or refused for any input', () => {
    const soup = fc.string({
      unit: fc.constantFrom('<', '>', '/', 'a', '&', ';', '"', '=', ' ', '!', '-', '[', ']', '?'),
    });
    fc.assert(
      fc.property(soup, (xml) => {
        try {
          readXml(xml);
        } catch (error) {
          expect(error).toMatchObject({ code: 'MalformedXML' });
        }
      }),
      { numRuns: 2000 },
    );
  });
});
