import { askPerson } from '../question/ask-person.ts';
import { questionWaits, roomOrigin } from '../question/limits.ts';
import { done, failed, type ToolResult } from './file-tools.ts';

type Given = {
  readonly question: string;
  readonly options: string[];
  readonly default?: string | undefined;
  readonly minutes: number;
};

/** Asks a person; an answer is what the operator says, and may not be what was hoped for. */
export async function askOperator(
  { question, options, default: silence, minutes }: Given,
  stop: AbortSignal,
): Promise<ToolResult> {
  const own = { options, deadline_sec: minutes * 60, ...(silence === undefined ? {} : { default: silence }) };
  const origin = process.env['COUNTERSIGN_ROOM'] ?? roomOrigin;
  const asked = await askPerson({ text: question, ...own }, { origin, waits: questionWaits, signal: stop });
  switch (asked.status) {
    case 'answered':
      return done(
        asked.outcome === 'answered'
          ? `the operator answers: ${asked.text}`
          : `nobody answered in time; your default counts: ${asked.text}`,
      );
    case 'unanswered':
      return failed('nobody answered in time; the work is being ended');
    case 'not-asked':
      return failed(`it was not asked: ${asked.reason}`);
  }
}
