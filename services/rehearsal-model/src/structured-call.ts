import type { JsonSchema, Tool } from './conversation.ts';
import { allowedTexts, branchesOf, propertiesOf } from './fit-schema.ts';

const text: JsonSchema = { type: 'string' };

function tool(name: string, ...properties: string[]): Tool {
  return { name, properties: Object.fromEntries(properties.map((each) => [each, text])), required: properties };
}

/** The built-in agent's tools, which a structured request names in its prompt or schema but does not describe. */
const agentTools: readonly Tool[] = [
  tool('list_files', 'path'),
  tool('read_file', 'path'),
  tool('write_file', 'path', 'content'),
  tool('edit_file', 'path', 'old_text', 'new_text'),
  tool('search_files', 'pattern'),
  tool('run_command', 'command'),
  tool('ask_operator', 'question'),
  tool('finish', 'summary'),
];

/** The alternatives of a schema that ask for a tool call: those with the properties `tool` and `arguments`. */
function callBranches(schema: JsonSchema): Record<string, JsonSchema>[] {
  return branchesOf(schema)
    .map(propertiesOf)
    .filter(({ tool: name, arguments: given }) => name && given);
}

export function asksForCall(schema: JsonSchema): boolean {
  return callBranches(schema).length > 0;
}

/**
 * The tools that may be named in a structured answer: those that the schema allows, or else those of the built-in
 * agent that the prompt mentions, or else all of them.
 */
export function toolsOfSchema(schema: JsonSchema, prompt: string): Tool[] {
  const allowed = callBranches(schema).flatMap(({ tool: names, arguments: given }) =>
    allowedTexts(names).map((name) => ({ name, described: propertiesOf(given ?? {}) })),
  );
  if (allowed.length > 0) {
    return allowed.map(({ name, described }) => {
      const known = agentTools.find((each) => each.name === name);
      return known ?? { name, properties: described, required: Object.keys(described) };
    });
  }
  const mentioned = agentTools.filter(({ name }) => new RegExp(`\\b${name}\\b`).test(prompt));
  // "finish" alone is a common word, and no list of tools.
  return mentioned.some(({ name }) => name !== 'finish') ? mentioned : [...agentTools];
}
