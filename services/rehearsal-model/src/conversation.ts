import { maximumLineCharacters, maximumLines } from './limits.ts';

/** The keys of a client's JSON schema that are looked at, none of which is trusted to be well formed. */
export type JsonSchema = {
  readonly type?: unknown;
  readonly properties?: unknown;
  readonly required?: unknown;
  readonly items?: unknown;
  readonly enum?: unknown;
  readonly const?: unknown;
  readonly anyOf?: unknown;
  readonly oneOf?: unknown;
  readonly minimum?: unknown;
};

/** A tool that the client offers: the names and types of its arguments decide how it is called. */
export type Tool = {
  name: string;
  properties: Readonly<Record<string, JsonSchema>>;
  required: readonly string[];
};

export type Turn = { role: 'system' | 'user' | 'assistant' | 'tool'; text: string };
export type Call = { name: string; arguments: Record<string, unknown> };

/** What a request says, whichever of the two protocols it came by. */
export type Conversation = {
  turns: readonly Turn[];
  tools: readonly Tool[];
  format: JsonSchema | 'json' | undefined;
};

/** Whether an assistant's text is a structured tool call, which a model without tools answers with. */
function isStructuredCall(text: string): boolean {
  if (!text.trimStart().startsWith('{')) return false;
  try {
    return 'tool' in JSON.parse(text);
  } catch {
    return false;
  }
}

/** Some clients wrap what was typed on a command line in quotes, as one text with escaped quotes inside. */
function unwrap(text: string): string {
  const trimmed = text.trim();
  const inner = trimmed.slice(1, -1);
  const isWrapped = trimmed === `"${inner}"` && !inner.replaceAll('\\"', '').includes('"');
  return isWrapped ? inner.replaceAll('\\"', '"') : text;
}

/** Splits a conversation into what was asked and what the tools have answered so far. */
export function readTurns({ turns }: Conversation): { system: string; user: string; results: string[] } {
  const system: string[] = [];
  const user: string[] = [];
  const results: string[] = [];
  for (const [index, { role, text }] of turns.entries()) {
    const previous = turns[index - 1];
    const answersCall = previous?.role === 'assistant' && isStructuredCall(previous.text);
    if (role === 'tool' || (role === 'user' && answersCall)) results.push(text);
    else if (role === 'user') user.push(unwrap(text));
    else if (role === 'system') system.push(text);
  }
  return { system: system.join('\n'), user: user.join('\n'), results };
}

/** A text's lines that may hold an instruction. */
export function linesOf(text: string): string[] {
  return text.split(/\r?\n/, maximumLines).filter((line) => line.length <= maximumLineCharacters);
}
