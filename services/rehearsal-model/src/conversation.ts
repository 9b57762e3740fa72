/** A JSON schema as a client sent it: read key by key, never trusted to be well formed. */
export type JsonSchema = Readonly<Record<string, unknown>>;

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

/** Splits a conversation into what was asked and what the tools have answered so far. */
export function readTurns({ turns }: Conversation): { system: string; user: string; results: string[] } {
  const system: string[] = [];
  const user: string[] = [];
  const results: string[] = [];
  for (const [index, { role, text }] of turns.entries()) {
    const previous = turns[index - 1];
    const answersCall = previous?.role === 'assistant' && isStructuredCall(previous.text);
    if (role === 'tool' || (role === 'user' && answersCall)) results.push(text);
    else if (role === 'user') user.push(text);
    else if (role === 'system') system.push(text);
  }
  return { system: system.join('\n'), user: user.join('\n'), results };
}
