import { mkdir } from 'node:fs/promises';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

const sizes = {
  phone: { width: 390, height: 844 },
  desk: { width: 1440, height: 900 },
} as const;
export type Size = keyof typeof sizes;

/** Chromium, as the machine has it. */
export async function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env['COUNTERSIGN_CHROMIUM'] ?? '/usr/bin/chromium',
    args: ['--no-sandbox'],
  });
}

/** A page that is watched: `faults` are what must never be, each in words. */
export type Watched = { readonly page: Page; readonly context: BrowserContext; readonly faults: string[] };

/** Opens a tab whose violations, errors and requests to anywhere but `origin` are told. */
export async function watch(
  browser: Browser,
  origin: string,
  { size = 'desk', dark = false, width }: { size?: Size; dark?: boolean; width?: number } = {},
): Promise<Watched> {
  const context = await browser.newContext({
    viewport: { ...sizes[size], ...(width === undefined ? {} : { width }) },
    colorScheme: dark ? 'dark' : 'light',
    hasTouch: size === 'phone',
    reducedMotion: 'reduce',
    baseURL: origin,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  const faults: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') faults.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => faults.push(`error: ${error.message}`));
  page.on('dialog', (dialog) => {
    faults.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(`${origin}/`) && !url.startsWith('data:')) faults.push(`foreign request: ${url}`);
  });
  await page.addInitScript(`
    addEventListener('securitypolicyviolation', (event) => {
      console.error('violation of ' + event.violatedDirective + ' by ' + event.blockedURI + ' ' + event.sample);
    });
  `);
  return { page, context, faults };
}

/** Keeps a picture for people. */
export async function picture(page: Page, name: string): Promise<void> {
  await mkdir('.cache/test/screenshots', { recursive: true });
  await page.screenshot({ path: `.cache/test/screenshots/${name}.png` });
}
