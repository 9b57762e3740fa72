import { expect, test } from 'vitest';
import { parseBundleHeader } from './bundle-header.ts';

const base = 'a'.repeat(40);
const tip = 'b'.repeat(40);
const header = (text: string) => parseBundleHeader(Buffer.from(text, 'latin1'), base);

test.each([
  ['as git writes it', `# v2 git bundle\n-${base} first\n${tip} refs/heads/agent\n\nPACK`],
  ['without a subject', `# v2 git bundle\n-${base}\n${tip} refs/heads/agent\n\nPACK`],
  [
    'with a subject of any bytes',
    `# v2 git bundle\n-${base} \xff\xfe \r -${tip} refs\n${tip} refs/heads/agent\n\nPACK`,
  ],
  [
    'with a subject of 2,000 characters',
    `# v2 git bundle\n-${base} ${'x'.repeat(2_000)}\n${tip} refs/heads/agent\n\nPACK`,
  ],
])('a header %s passes', (_name, text) => {
  expect(header(text)).toEqual({ ok: true, tip, packOffset: text.indexOf('PACK') });
});

test.each([
  ['nothing', ''],
  ['no end', `# v2 git bundle\n-${base}\n${tip} refs/heads/agent\n`],
  ['an end too far away', `# v2 git bundle\n-${base} ${'x'.repeat(70_000)}\n`],
  ['no signature', `-${base}\n${tip} refs/heads/agent\n\n`],
  ['version 3', `# v3 git bundle\n@filter=blob:none\n-${base}\n${tip} refs/heads/agent\n\n`],
  ['version 3 under the name of 2', `# v2 git bundle\n@object-format=sha1\n-${base}\n${tip} refs/heads/agent\n\n`],
  ['CRLF', `# v2 git bundle\r\n-${base}\r\n${tip} refs/heads/agent\r\n\r\n\n\n`],
  ['another base', `# v2 git bundle\n-${'c'.repeat(40)}\n${tip} refs/heads/agent\n\n`],
  ['a part of the base', `# v2 git bundle\n-${base.slice(1)}\n${tip} refs/heads/agent\n\n`],
  ['no base', `# v2 git bundle\n${tip} refs/heads/agent\n\n`],
  ['two bases', `# v2 git bundle\n-${base}\n-${base}\n${tip} refs/heads/agent\n\n`],
  ['two refs', `# v2 git bundle\n-${base}\n${tip} refs/heads/agent\n${tip} refs/heads/main\n\n`],
  ['no ref', `# v2 git bundle\n-${base}\n\n`],
  ['another ref', `# v2 git bundle\n-${base}\n${tip} refs/heads/main\n\n`],
  ['a ref that only begins so', `# v2 git bundle\n-${base}\n${tip} refs/heads/agent/x\n\n`],
  ['HEAD', `# v2 git bundle\n-${base}\n${tip} HEAD\n\n`],
  ['a tip of 64 digits', `# v2 git bundle\n-${base}\n${'b'.repeat(64)} refs/heads/agent\n\n`],
  ['an option for a tip', `# v2 git bundle\n-${base}\n--upload-pack refs/heads/agent\n\n`],
  ['an upper-case tip', `# v2 git bundle\n-${base}\n${tip.toUpperCase()} refs/heads/agent\n\n`],
])('S041 a header with %s is refused', (_name, text) => {
  expect(header(text)).toEqual({ ok: false, reason: expect.stringMatching(/^the bundle /) });
});
