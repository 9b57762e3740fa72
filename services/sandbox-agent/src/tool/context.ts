import { toolLimits } from './limits.ts';
import type { Call, Message, OfferedTool } from './message.ts';

/** A cautious guess of how many tokens a text has. */
export function estimateTokens(bytes: number): number {
  return Math.ceil(bytes / toolLimits.bytesPerToken);
}

/** Tokens that are kept free for the answer in a context of so many. */
export function answerReserve(contextTokens: number): number {
  return Math.min(toolLimits.answerTokens, Math.floor(contextTokens / 4));
}

/** How large one tool's result may be, so that a few of them fit beside the prompt. */
export function resultBytes(contextTokens: number): number {
  return Math.min(toolLimits.commandOutputBytes, Math.floor((contextTokens * toolLimits.bytesPerToken) / 4));
}

export function conversationTokens(messages: readonly Message[], tools: readonly OfferedTool[]): number {
  const bytes = messages.reduce((sum, message) => sum + sizeOf(message), 0);
  return estimateTokens(bytes + Buffer.byteLength(JSON.stringify(tools)));
}

/** The prompt, and the latest exchange, stay as they are. */
const keptAtStart = 2;
const keptAtEnd = 2;
const keptCharacters = 200;

/**
 * Makes a conversation fit its room by shortening its oldest parts, one after the other: results of tools, and long arguments of
 * calls. Who said what, and which tool was called, stays.
 * @returns undefined when even that is not enough
 */
export function fitConversation(
  messages: readonly Message[],
  tools: readonly OfferedTool[],
  roomTokens: number,
): readonly Message[] | undefined {
  const fitted = [...messages];
  for (let index = keptAtStart; conversationTokens(fitted, tools) > roomTokens; index += 1) {
    const message = fitted[index];
    if (message === undefined || index >= fitted.length - keptAtEnd) return undefined;
    fitted[index] = shorten(message);
  }
  return fitted;
}

function sizeOf(message: Message): number {
  const calls = message.role === 'assistant' ? Buffer.byteLength(JSON.stringify(message.calls)) : 0;
  return Buffer.byteLength(message.content) + calls;
}

function shorten(message: Message): Message {
  switch (message.role) {
    case 'system':
    case 'user':
      return message;
    case 'tool':
      return { ...message, content: shortenText(message.content) };
    case 'assistant':
      return { ...message, content: shortenText(message.content), calls: message.calls.map(shortenCall) };
  }
}

function shortenCall({ name, arguments: given }: Call): Call {
  if (typeof given !== 'object' || given === null) return { name, arguments: given };
  const entries = Object.entries(given).map(([key, value]: [string, unknown]) => [
    key,
    typeof value === 'string' ? shortenText(value) : value,
  ]);
  return { name, arguments: Object.fromEntries(entries) };
}

function shortenText(text: string): string {
  if (text.length <= keptCharacters) return text;
  return `[${Buffer.byteLength(text)} bytes left out, to keep the conversation within the model's context]`;
}
