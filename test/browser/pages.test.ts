import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { FixtureServer } from '../../services/dashboard/page/testing/fixture-server.ts';
import { ended, lively } from '../../services/dashboard/page/testing/fixture-tasks.ts';
import { accessibilityFaults } from './support/axe.ts';
import { launch, picture, type Watched, watch } from './support/browser.ts';
import { pages } from './support/pages.ts';

let browser: Browser;
let tab: Watched | null = null;
const server = new FixtureServer([...lively(), ...ended(200).slice(24)]);

beforeAll(async () => {
  await server.start();
  browser = await launch();
});

afterAll(async () => {
  await browser.close();
  await server.stop();
});

afterEach(async () => {
  await tab?.context.close();
  tab = null;
});

describe.each([
  ['phone', false],
  ['phone', true],
  ['desk', false],
  ['desk', true],
] as const)('on a %s, dark: %s', (size, dark) => {
  test.each(Object.entries(pages))(
    '%s is shown without a fault, and axe finds nothing',
    async (name, [path, words]) => {
      tab = await watch(browser, server.url, { size, dark });
      const { page, faults } = tab;
      await page.goto(path);
      await page.getByText(words).filter({ visible: true }).first().waitFor();
      await picture(page, `${name}-${size}-${dark ? 'dark' : 'light'}`);
      expect(faults).toEqual([]);
      // Colours are checked in both of their sets, and what is where at both sizes.
      if ((size === 'phone') !== dark) expect(await accessibilityFaults(page)).toEqual([]);
    },
  );
});

test.each(Object.entries(pages))('%s does not scroll sideways at 360 px', async (_name, [path, words]) => {
  tab = await watch(browser, server.url, { size: 'phone', width: 360 });
  const { page } = tab;
  await page.goto(path);
  await page.getByText(words).filter({ visible: true }).first().waitFor();
  const wide = await page.evaluate(`
    [document.documentElement.scrollWidth, ...[...document.querySelectorAll('body *')]
      .filter((element) => element.getBoundingClientRect().right > innerWidth + 1 && !element.closest('.tabs, section[tabindex], .hidden-text, .file-list, .clip'))
      .map((element) => element.tagName + '.' + element.className)]
  `);
  expect(wide).toEqual([360]);
});

test('what is pressed on a phone is at least 44 px high', async () => {
  tab = await watch(browser, server.url, { size: 'phone' });
  const { page } = tab;
  for (const path of ['/', '/approvals', '/tasks/a5k3d', '/tasks/a2b3c', '/new', '/services', '/log']) {
    await page.goto(path);
    await page.locator('main button, main .button').first().waitFor();
    const small = await page.evaluate(`
      [...document.querySelectorAll('button, .button, summary, nav a, input:not([type=range], [type=checkbox]), select')]
        .filter((element) => element.checkVisibility() && element.getBoundingClientRect().height < 44)
        .map((element) => element.outerHTML.slice(0, 120))
    `);
    expect(small, path).toEqual([]);
  }
});
