import type { Call } from './conversation.ts';

/** The whole of an answer, as it goes out. */
type Delivery = { thinking: string; content: string; call: Call | undefined };

/** How an answer ended, with the counts that go with it. Tokens are estimated at four characters each. */
export type Ending = {
  reason: 'stop' | 'length';
  promptTokens: number;
  answerTokens: number;
  durationNs: number;
};

/** One protocol's way to write an answer: each function gives the bytes of one frame of a stream. */
export type Wire = {
  contentType: string;
  /** Writes the frames up to the ending, each text in the given pieces. */
  frames: (pieces: { thinking: string[]; content: string[]; call: Call | undefined }) => string[];
  ending: (ending: Ending, call: Call | undefined) => string[];
  failure: (message: string) => string;
  whole: (delivery: Delivery, ending: Ending) => unknown;
  refusal: (status: number, message: string) => unknown;
};

/** Cuts a text into pieces as small as a model's, but never into more than about a thousand. */
export function cutIntoPieces(text: string): string[] {
  const length = Math.max(16, Math.ceil(text.length / 1024));
  return text.match(new RegExp(`.{1,${length}}`, 'gsu')) ?? [];
}
