import { queryLimits } from '../limits.ts';

/** The keys that a route's query may have, each with what its decoded value must be. */
export type QueryRules = Readonly<Record<string, (value: string) => boolean>>;

type ReadQuery =
  | { readonly ok: true; readonly values: ReadonlyMap<string, string> }
  | { readonly ok: false; readonly reason: string };

/** One `key=value` as `URLSearchParams` and `encodeURIComponent` write it; a key is never encoded. */
const pair = /^([a-z_]{1,32})=((?:[A-Za-z0-9._~!'()*+-]|%[0-9A-Fa-f]{2})+)$/;

const control = /\p{Cc}/u;

/**
 * Reads a query that may hold these keys, each once at most. Reasons name no value, and no key that is not on the list.
 * @param raw what follows the question mark
 */
export function readQuery(raw: string, rules: QueryRules): ReadQuery {
  const values = new Map<string, string>();
  for (const part of raw.split('&')) {
    const [, key = '', encoded = ''] = pair.exec(part) ?? [];
    if (key === 'access_token') return refuse('an access token in a query is not forwarded');
    const rule = Object.hasOwn(rules, key) ? rules[key] : undefined;
    if (rule === undefined) return refuse('the query is malformed, or has a key that is not forwarded');
    if (values.has(key)) return refuse(`the query has ${key} twice`);
    if (encoded.length > queryLimits.valueCharacters) return refuse(`the query's ${key} is too long`);
    const value = decode(encoded);
    if (value === null || control.test(value) || !rule(value)) {
      return refuse(`the query's ${key} is not what is forwarded`);
    }
    values.set(key, value);
  }
  return { ok: true, values };
}

/** The one spelling in which a query is sent on; empty without values. */
export function writeQuery(values: ReadonlyMap<string, string>): string {
  const pairs = [...values].map(([key, value]) => `${key}=${encodeURIComponent(value)}`);
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}

function decode(encoded: string): string | null {
  try {
    return decodeURIComponent(encoded.replaceAll('+', '%20'));
  } catch {
    return null;
  }
}

function refuse(reason: string): ReadQuery {
  return { ok: false, reason };
}
