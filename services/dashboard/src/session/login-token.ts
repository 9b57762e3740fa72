import { createHash, timingSafeEqual } from 'node:crypto';

/** 256 bits in base64url. */
const shape = /^[A-Za-z0-9_-]{43}$/;

/** What opens a session; only its digest is kept. */
export class LoginToken {
  readonly #digest: Buffer;

  /** @throws Error when the text is no token of 256 bits */
  constructor(text: string) {
    const token = text.trim();
    if (!shape.test(token)) throw new Error('a login token is 43 letters, digits, _ and -');
    this.#digest = digestOf(token);
  }

  /** In a time that says nothing of how much of it is right. */
  isRight(given: string): boolean {
    return timingSafeEqual(digestOf(given), this.#digest);
  }
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
