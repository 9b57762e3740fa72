/** Numbers and choices that are the same on every machine, for tests: Mulberry32. */
export class RandomSource {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** From 0 to below 1. */
  number(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[Math.floor(this.number() * items.length)] as Item;
  }

  /** One of the list, or, more often than not, its first. */
  mostly<Item>(items: readonly Item[]): Item {
    return this.number() < 0.8 ? (items[0] as Item) : this.pick(items);
  }

  /** The line with one character turned into another, or one put in, now and then. */
  mutate(line: string): string {
    if (this.number() < 0.85) return line;
    const at = Math.floor(this.number() * line.length);
    const character = String.fromCharCode(Math.floor(this.number() * 256));
    return line.slice(0, at) + character + line.slice(at + (this.number() < 0.5 ? 1 : 0));
  }
}

/** Parts of requests of which some are as they should be. */
export const oddMethods = [
  'GET',
  'POST',
  'PUT',
  'DELETE',
  'HEAD',
  'OPTIONS',
  'CONNECT',
  'PATCH',
  'get',
  'POST\t',
  'G ET',
  'PRI',
  'M-SEARCH',
];
export const oddPrefixes = [
  '',
  '',
  '',
  '/',
  'http://evil',
  'http://model:11434',
  '//evil',
  '@',
  ' ',
  '\\',
  '*',
  'evil:443',
  '..',
  '/..',
];
export const oddSuffixes = [
  '',
  '?',
  '?a=b',
  '#',
  '/',
  '%00',
  '\0',
  ';',
  ' ',
  '\t',
  '\\',
  '.',
  '%20',
  '%0d%0a',
  '\rX: y',
  '\nX: y',
];
export const oddVersions = ['HTTP/1.1', 'HTTP/1.0', 'HTTP/2.0', 'HTTP/1.1 ', 'http/1.1', ''];
export const oddHeaders = [
  '',
  '',
  'connection: upgrade\r\nupgrade: h2c\r\n',
  'expect: 100-continue\r\n',
  'x-original-url: /api/pull\r\n',
  'host: y\r\n',
  'transfer-encoding: chunked\r\n',
  'content-length: 0\r\n',
  'content-length: 5\r\n',
];
