import type { Call, OfferedTool } from './message.ts';

/** The schema of an answer that is one tool call: `{"tool": …, "arguments": …}`, each tool with its own arguments. */
export function callSchema(tools: readonly OfferedTool[]): Record<string, unknown> {
  const branches = tools.map(({ name, parameters }) => ({
    type: 'object',
    properties: { tool: { type: 'string', enum: [name] }, arguments: parameters },
    required: ['tool', 'arguments'],
  }));
  return { anyOf: branches };
}

/** The tools in words, for the system prompt of a model that has no field for them. */
export function describeTools(tools: readonly OfferedTool[]): string {
  const list = tools.map(
    ({ name, description, parameters }) => `- ${name}: ${description} Arguments: ${JSON.stringify(parameters)}`,
  );
  return [
    'You act by calling tools. Every answer is one JSON object and nothing else: {"tool": "<name>", "arguments": {…}}.',
    'The result comes back to you before your next answer. The tools:',
    ...list,
  ].join('\n');
}

/**
 * Reads a call out of text: the whole of it, or what stands in a code fence or in `<tool_call>` tags, as models write it that
 * were not trained on the field for calls. Undefined when the text is no call of an offered tool.
 */
export function callInText(text: string, tools: readonly OfferedTool[]): Call | undefined {
  const fenced = /```(?:json)?\s*(\{[\s\S]*?\})\s*```/.exec(text)?.[1];
  const tagged = /<tool_call>\s*(\{[\s\S]*?\})\s*<\/tool_call>/.exec(text)?.[1];
  for (const candidate of [text, tagged, fenced]) {
    const call = candidate === undefined ? undefined : readCall(candidate);
    if (call !== undefined && tools.some(({ name }) => name === call.name)) return call;
  }
  return undefined;
}

function readCall(text: string): Call | undefined {
  if (!text.trimStart().startsWith('{')) return undefined;
  try {
    const value = JSON.parse(text) as Record<string, unknown>;
    const name = value['tool'] ?? value['name'];
    return typeof name === 'string' ? { name, arguments: value['arguments'] ?? {} } : undefined;
  } catch {
    return undefined;
  }
}
