/** A tool call as the model made it; nothing of it has been checked. */
export type Call = { readonly name: string; readonly arguments: unknown };

export type Message =
  | { readonly role: 'system' | 'user'; readonly content: string }
  | { readonly role: 'assistant'; readonly content: string; readonly calls: readonly Call[] }
  | { readonly role: 'tool'; readonly content: string; readonly tool: string };

/** A tool as the model is told of it. */
export type OfferedTool = {
  readonly name: string;
  readonly description: string;
  /** JSON schema of an object. */
  readonly parameters: Readonly<Record<string, unknown>>;
};

/** How calls travel: `native` in the protocol's own field, `structured` as JSON text that follows a schema. */
export type CallStyle = 'native' | 'structured';

export type Reply = {
  readonly content: string;
  readonly calls: readonly Call[];
  /** It ended because there was no more room, not because it was finished. */
  readonly cutOff: boolean;
  readonly promptTokens: number;
  readonly completionTokens: number;
};
