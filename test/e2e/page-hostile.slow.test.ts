import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launch, type Watched, watch } from '../browser/support/browser.ts';
import { acting, foreignMarkup } from '../browser/support/markup.ts';
import { payloads } from '../browser/support/payloads.ts';
import { Phone } from '../support/phone.ts';
import { Stack } from '../support/stack.ts';

let stack: Stack;
let browser: Browser;
let tab: Watched;
let link: string;

/** Prints every payload, and writes each into a file of its own, whose name is one as well. */
const make = `
  const { mkdirSync, writeFileSync } = require('node:fs');
  const payloads = require('./payloads.json');
  mkdirSync('made');
  for (const [index, text] of payloads.entries()) {
    console.log(text);
    console.error(text);
    writeFileSync('made/' + index + ' ' + text.replaceAll(/[/\\\\\\p{Cc}]/gu, '_').slice(0, 60), text + '\\n');
  }
`;

beforeAll(async () => {
  stack = await Stack.made('page-hostile');
  const up = await stack.mustUp(['--rehearsal', '--json']);
  link = JSON.parse(up.stdout.trimEnd().split('\n').at(-1) ?? '').dashboard;
  await stack.workspace('project', { 'payloads.json': JSON.stringify(payloads), 'make.cjs': make });
  browser = await launch();
  tab = await watch(browser, new URL(link).origin);
  tab.page.setDefaultTimeout(30_000);
});
afterAll(async () => {
  await browser?.close();
  await stack[Symbol.asyncDispose]();
});

const titled = (title: string, keys: string, body: string) =>
  `---\nworkspace: project\ntitle: ${JSON.stringify(title)}\n${keys}\n---\n${body}\n`;

async function refusedFiles(): Promise<number> {
  return (await readdir(join(stack.home, 'outbox/invalid'))).filter((name) => name.endsWith('.error.txt')).length;
}

test('W17 nothing runs and nobody is reached, whatever came in by a file, a repository, a model, a tool or the room', async () => {
  // A task file holds no control characters.
  const spoken = payloads.map((text) => text.replaceAll(/\p{Cc}/gu, ''));
  await stack.drop('made.md', titled(spoken[0] ?? '', 'stage: dev', '1. run node make.cjs'));
  const objective = ['1. create a.txt with one', ...spoken].join('\n');
  await stack.drop('planned.md', titled(spoken[1] ?? '', 'stage: staging', objective));
  const made = await stack.reaches('made.md', ['review'], 120_000);
  const planned = await stack.reaches('planned.md', ['pending'], 120_000);

  const phone = await Phone.login(join((await stack.places()).secrets, 'enrol', 'operator.env'));
  await phone.receives(['planned.md']);
  await phone.say(`reject ${planned.id} ${spoken[2]}`);
  await stack.reaches('planned.md', ['rejected']);

  const paused = await stack.countersign('pause', spoken[3] ?? '');
  expect(paused.exitCode).toBe(0);
  for (const [index, text] of payloads.entries())
    await stack.drop(
      `${index} ${text.replaceAll(/[/\\\p{Cc}]/gu, '_').slice(0, 60)}.md`,
      titled(text, 'stage: dev', text),
    );
  const taken = async () => (await stack.tasks()).length + (await refusedFiles());
  await expect.poll(taken, { timeout: 120_000 }).toBe(payloads.length + 2);

  const asked = new Set<string>();
  tab.page.on('request', (request) => asked.add(new URL(request.url()).pathname));
  await tab.page.addInitScript(`globalThis.ran = () => console.error('a script ran')`);
  await tab.page.goto(link);
  const [queued] = (await stack.tasks()).filter(({ state }) => state.status === 'queued');
  const tabs = ['', 'plan', 'log', 'diff', 'handoff', 'context', 'attempts', 'file'];
  const paths = [
    '/',
    '/approvals',
    '/tasks',
    '/tasks?show=failed',
    ...tabs.flatMap((name) => [`/tasks/${made.id}?tab=${name}`, `/tasks/${planned.id}?tab=${name}`]),
    `/tasks/${queued?.id}`,
    '/runs',
    '/log/runner',
    '/log/matrix-listener',
    '/services',
    '/configuration',
    ...['script', 'onerror', 'javascript', 'evil'].map((word) => `/search?q=${word}`),
  ];
  let texts = '';
  for (const path of paths) {
    await tab.page.goto(path);
    await tab.page.locator('main h1').first().waitFor();
    await tab.page.waitForLoadState('load');
    await tab.page.waitForTimeout(500);
    await tab.page.evaluate(`for (const details of document.querySelectorAll('main details')) details.open = true`);
    await tab.page.waitForTimeout(300);
    texts += await tab.page.locator('main').innerText();
    expect(await foreignMarkup(tab.page), path).toEqual([]);
  }
  expect(tab.faults).toEqual([]);
  expect(asked.has('/ran')).toBe(false);
  // They were really shown, as text: of a file, a plan, a log, a diff, and of the person in the room.
  for (const shown of ['<script>ran(1)</script>', '<svg/onload=ran(1)>', '<img src=x onerror=ran(1)>', spoken[2] ?? ''])
    expect(texts).toContain(shown);
  for (const character of acting) expect(texts).not.toContain(character);
  expect(texts).toContain('U+202E');
}, 600_000);
