import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import { parseProperties } from '../src/properties-file.ts';

function pairs(text: string): [string, string][] {
  const { entries, malformed } = parseProperties(text);
  assert.deepEqual(malformed, []);
  return entries.map(({ key, value }) => [key, value]);
}

function hasStrayEscape(text: string): boolean | undefined {
  return parseProperties(text).entries[0]?.strayEscape;
}

suite('properties file', () => {
  const cases: readonly [law: string, text: string, expected: [string, string][]][] = [
    ['= separates', 'a=1', [['a', '1']]],
    ['= separates', 'a = 1', [['a', '1']]],
    [': separates', 'a: 1', [['a', '1']]],
    [': separates', 'a :1', [['a', '1']]],
    ['only the first separator counts', 'a=b=c:d', [['a', 'b=c:d']]],
    ['an escaped separator is part of the key', 'a\\=b\\:c\\ d=1', [['a=b:c d', '1']]],
    ['a value may be empty', 'a=', [['a', '']]],
    ['blanks before the key and around the separator go', ' \t\f a \t=\f 1', [['a', '1']]],
    ['blanks after the value stay, as in Java', 'a=1 \t', [['a', '1 \t']]],
    ['an escaped blank begins a value', 'a=\\ 1', [['a', ' 1']]],
    ['a no-break space is not blank', 'a=\u00a01', [['a', '\u00a01']]],
    ['# and ! at the start are comments', '#a=1\n  !b=2\nc=3', [['c', '3']]],
    ['# and ! later are text', 'a=1 # one!', [['a', '1 # one!']]],
    ['a comment does not go on in the next line', '# note \\\na=1', [['a', '1']]],
    ['blank lines are nothing', '\n \t\n\na=1\n\n', [['a', '1']]],
    ['a backslash at the end goes on, without the indent', 'a=one,\\\n   two', [['a', 'one,two']]],
    [
      'a backslash goes on over several lines',
      'a=1\\\n2\\\n3\nb=4',
      [
        ['a', '123'],
        ['b', '4'],
      ],
    ],
    ['a key can go on in the next line', 'flo\\\n  ecat=1', [['floecat', '1']]],
    ['a continuation that looks like a comment is text', 'a=1\\\n#2', [['a', '1#2']]],
    [
      'a blank line ends a continuation',
      'a=1\\\n\nb=2',
      [
        ['a', '1'],
        ['b', '2'],
      ],
    ],
    [
      'two backslashes at the end are one, and end the line',
      'a=1\\\\\nb=2',
      [
        ['a', '1\\'],
        ['b', '2'],
      ],
    ],
    ['three go on', 'a=1\\\\\\\nb=2', [['a', '1\\b=2']]],
    ['a backslash alone on a line is nothing', '\\\n# note\na=1', [['a', '1']]],
    ['a backslash at the end of the file is dropped', 'a=1\\', [['a', '1']]],
    ['escapes', 'a=\\t\\n\\r\\f\\\\\\"', [['a', '\t\n\r\f\\"']]],
    ['\\uXXXX is a character, in keys too', '\\u0061=\\u00e9\\u00C9', [['a', '\u00e9\u00c9']]],
    ['an escaped backslash before u is text', 'a=\\\\u00zz', [['a', '\\u00zz']]],
    [
      'line ends of every kind',
      'a=1\r\nb=2\rc=3\nd=4\\\r\n  5',
      [
        ['a', '1'],
        ['b', '2'],
        ['c', '3'],
        ['d', '45'],
      ],
    ],
    ['a byte order mark is nothing', '\ufeffa=1', [['a', '1']]],
    ['characters beyond the basic plane', 'a=\u{1f41f}', [['a', '\u{1f41f}']]],
    ['an empty file', '', []],
  ];
  for (const [law, text, expected] of cases)
    test(`${law}: ${JSON.stringify(text)}`, () => assert.deepEqual(pairs(text), expected));

  test('an entry has the line that it begins on', () => {
    const { entries } = parseProperties('# one\n\na=1,\\\n  2\nb=3\r\nc=4');
    assert.deepEqual(
      entries.map(({ key, line }) => [key, line]),
      [
        ['a', 3],
        ['b', 5],
        ['c', 6],
      ],
    );
  });

  for (const [text, why] of [
    ['floecat.kv', /no = or :/],
    ['floecat.kv local', /no = or :/],
    ['=local', /no key/],
    [' : local', /no key/],
    ['a=\\u12', /four hexadecimal/],
    ['a=\\uzzzz', /four hexadecimal/],
    ['a\\u=1', /four hexadecimal/],
    ['a=\\\\\\u12g4', /four hexadecimal/],
  ] as const)
    test(`a malformed line is told with its number: ${JSON.stringify(text)}`, () => {
      const { entries, malformed } = parseProperties(`# one\n${text}\nb=2\n`);
      assert.deepEqual(
        entries.map(({ key }) => key),
        ['b'],
      );
      assert.equal(malformed.length, 1);
      assert.equal(malformed[0]?.line, 2);
      assert.match(malformed[0]?.why ?? '', why);
    });

  test('a backslash that means nothing is marked', () => {
    assert.equal(hasStrayEscape('a=C:\\data'), true);
    assert.equal(hasStrayEscape('a=C:\\\\data'), false);
    assert.equal(hasStrayEscape('a=\\1'), true);
    assert.equal(hasStrayEscape('a\\:b=\\t\\n\\r\\f\\u0041\\ \\#'), false);
  });
});
