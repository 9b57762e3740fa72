import { expect, test } from 'vitest';
import { cut, escapeHtml, jsonBytes } from './content.ts';

test('a text as HTML shows itself and does nothing', () => {
  expect(escapeHtml(`<img src="x" onerror='y'>&amp;`)).toBe(
    '&lt;img src=&quot;x&quot; onerror=&#39;y&#39;&gt;&amp;amp;',
  );
  expect(escapeHtml('Grüße 🙂')).toBe('Grüße 🙂');
});

test('a cut lies between characters, and says that it is one', () => {
  expect(cut('🙂🙂🙂', 3)).toBe('🙂🙂🙂');
  expect(cut('🙂🙂🙂🙂', 3)).toBe('🙂🙂…');
  expect(cut('abc', 3)).toBe('abc');
});

test('bytes are those on the wire', () => {
  expect(jsonBytes({ a: '"🙂\\' })).toBe(Buffer.byteLength('{"a":"\\"🙂\\\\"}'));
});
