const kinds: ReadonlyMap<string, string> = new Map([
  ['own', "the operator's own server"],
  ['ollama', "the stack's own Ollama"],
  ['rehearsal', 'the rehearsal stand-in, which is no language model'],
]);

/** A model and where it runs, for people; a kind that is not known stands as it is. */
export function describeModel({ kind, name }: { readonly kind: string; readonly name: string }): string {
  return `${name} (${kinds.get(kind) ?? kind})`;
}
