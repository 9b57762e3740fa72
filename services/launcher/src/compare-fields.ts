import { isDeepStrictEqual } from 'node:util';

export type Fields = Readonly<Record<string, unknown>>;
/** Keys that are not compared but judged, also when they are missing. */
export type Judged = Readonly<Record<string, (value: unknown) => boolean>>;

/**
 * One sentence for each key, of either side, whose value is not the expected one; a key that nothing is expected of must be unset.
 * @param path stands before the keys in the sentences
 */
export function compareFields(path: string, expected: Fields, actual: Fields, judged: Judged = {}): string[] {
  // A key may be `__proto__`, which an object would take for its ancestor.
  const [wanted, found, judges] = [entriesOf(expected), entriesOf(actual), entriesOf(judged)];
  return [...new Set([...wanted.keys(), ...found.keys(), ...judges.keys()])].flatMap((key) => {
    const value = found.get(key);
    const judge = judges.get(key);
    const fits = judge ? judge(value) : equal(wanted.get(key), value);
    return fits ? [] : [`${path}.${key} is ${show(value)}, not ${judge ? 'acceptable' : show(wanted.get(key))}`];
  });
}

function entriesOf<Value>(fields: Readonly<Record<string, Value>>): ReadonlyMap<string, Value> {
  return new Map(Object.entries(fields));
}

function equal(expected: unknown, actual: unknown): boolean {
  return (isUnset(expected) && isUnset(actual)) || isDeepStrictEqual(expected, actual);
}

/** Only as a whole: inside a map even an empty member says something, as in `Volumes: {"/data": {}}`. */
export function isUnset(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length === 0;
  return value === undefined || value === null || value === '' || value === 0 || value === false;
}

export function show(value: unknown): string {
  return (JSON.stringify(value) ?? 'absent').slice(0, 120);
}
