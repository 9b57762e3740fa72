import type { ShownText } from '@countersign/contracts/page-api.ts';

const replaced = new TextDecoder('utf-8', { ignoreBOM: true });

/** Bytes that begin a text, cut behind its last whole character; what is not UTF-8 is replaced. `size` is that of all of it. */
export function shownText(bytes: Uint8Array, size: number = bytes.length): ShownText {
  const whole = size > bytes.length ? bytes.subarray(0, wholeCharacters(bytes)) : bytes;
  return { text: replaced.decode(whole).toWellFormed(), bytes: size, truncated: size > bytes.length };
}

/** How many of the bytes are whole characters: up to three of a last one may be missing their end. */
export function wholeCharacters(bytes: Uint8Array): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) break;
    if (byte < 0xc0) continue;
    // No character begins so: there is nothing to wait for.
    if (byte > 0xf4) break;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return length > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}
