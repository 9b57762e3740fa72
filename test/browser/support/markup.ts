import type { Page } from 'playwright-core';

/** Characters that hide, reorder or act where they are shown or copied to. */
export const acting = ['\u202e', '\u202c', '\u200b', '\u001b', '\0'];

/** Elements of a page that only somebody else's text could have made: none of ours is like them. */
export async function foreignMarkup(page: Page): Promise<string[]> {
  return page.evaluate(`
    [...document.querySelectorAll('body img, iframe, object, embed, base, portal, video, body style, body script, body link, math, template, [onerror], [onload], [onclick], [style*=url], a')]
      .filter((element) => element.tagName !== 'A' || !/^(?:\\/(?!\\/)|#)/.test(element.getAttribute('href') ?? ''))
      .map((element) => element.outerHTML.slice(0, 200))
  `);
}
