import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { answeredStanding, standingOf, superseded, withdrawn } from '../message/standing.ts';
import type { Gate, ListenerState, Standing } from '../state/listener-state.ts';

/** What the messages that asked about a task say from now on: the newest of each kind where it stands, those before that they are over. */
export function stand(state: ListenerState, record: TaskRecord): void {
  const gates = state.gates.filter(({ task }) => task === record.id);
  for (const gate of gates) {
    if (gate.question !== null) {
      gate.standing = standingForQuestion(gate, record);
      continue;
    }
    const isNewest = gate === gates.findLast(({ asks }) => asks === gate.asks);
    gate.standing = isNewest ? standingFor(gate, record) : superseded;
  }
}

function standingFor(gate: Gate, record: TaskRecord): Standing | null {
  const asked = askedNow(record);
  if (asked === null || asked.asks !== gate.asks) return standingOf(record);
  if (asked.digest !== gate.digest) return superseded;
  // As it was posted it asks already.
  if (gate.standing === null) return null;
  return { ...standingOf(record), words: 'answer this message as before' };
}

/** A question stands for itself: whatever comes of its task, what was answered stays. */
function standingForQuestion({ question, standing }: Gate, { state }: TaskRecord): Standing | null {
  if (state.status === 'running' && state.question?.id === question?.id)
    return state.question?.answer ? answeredStanding(state.question.answer) : standing;
  return standing ?? withdrawn;
}

function askedNow({ state }: TaskRecord): Pick<Gate, 'asks' | 'digest'> | null {
  if (state.status === 'pending') return { asks: 'approval', digest: state.digest };
  if (state.status === 'review') return { asks: 'review', digest: state.result.digest };
  return null;
}
