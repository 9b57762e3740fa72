import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import type { Scenario, Scene } from './scenario.ts';
import { begun } from './scenarios.ts';

/** What one task is, and what people do about it; `end` is where it comes to. */
type Wish = {
  readonly id: string;
  readonly text: string;
  readonly dropAt: number;
  readonly decision: 'approve' | 'reject';
  readonly ending: 'merge' | 'leave' | 'reject' | 'cancel';
};

const kinds = [
  (id: string) => `id: ${id}\nworkspace: project\nstage: dev\n\nchange it\n`,
  (id: string) => `id: ${id}\nworkspace: project\nstage: dev\npostconditions: ["true"]\n\nchange it\n`,
  (id: string) => `id: ${id}\nworkspace: project\nstage: staging\n\nchange it with care\n`,
  (id: string) => `id: ${id}\nworkspace: pair\nrepos: [one, two]\npostconditions: ["true"]\n\nchange both\n`,
];

/** A few tasks of every kind, dropped, decided on, merged and cancelled as chance has it. */
export function randomScenario(random: () => number): Scenario {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const wishes = Array.from({ length: 2 + Math.floor(random() * 3) }, (_none, index): Wish => {
    const id = `task${index}`.replaceAll('0', 'a').replaceAll('1', 'b').replaceAll('2', 'c').replaceAll('3', 'd');
    return {
      id,
      text: pick(kinds)(id),
      dropAt: Math.floor(random() * 40),
      decision: random() < 0.7 ? 'approve' : 'reject',
      ending: pick(['merge', 'merge', 'leave', 'reject', 'cancel']),
    };
  });
  let turns = 0;
  return {
    name: wishes.map(({ id, decision, ending }) => `${id}: ${decision}, ${ending}`).join('; '),
    after: begun,
    launcherAnswers: true,
    cancels: true,
    act(scene) {
      turns += 1;
      for (const wish of wishes) {
        if (turns >= wish.dropAt) scene.operator.drop(`${wish.id}.md`, wish.text);
        decide(scene, wish, scene.tasks.get(wish.id)?.state);
      }
      return wishes.every((wish) => isAtEnd(scene, wish));
    },
  };
}

function decide({ operator }: Scene, { id, decision, ending }: Wish, state: TaskRecord['state'] | undefined): void {
  if (state?.status === 'pending') {
    if (decision === 'reject')
      operator.command(`${id}-reject-plan`, { kind: 'reject', subject: { task: id, reason: 'no' } });
    else
      operator.command(`${id}-approve-${state.digest.slice(0, 16)}`, {
        kind: 'approve',
        subject: { task: id, digest: state.digest },
      });
  }
  if (state?.status !== 'review') return;
  if (ending === 'reject')
    operator.command(`${id}-reject-work`, { kind: 'reject', subject: { task: id, reason: 'no' } });
  if (ending === 'cancel')
    operator.command(`${id}-cancel-work`, { kind: 'cancel', subject: { task: id, reason: 'enough' } });
  if (ending === 'merge')
    operator.command(`${id}-merge-work-1`, {
      kind: 'merge',
      subject: { task: id, digest: state.result.digest, unverified: true },
    });
}

function isAtEnd({ operator, tasks }: Scene, { id, decision, ending }: Wish): boolean {
  if (![...operator.commands.keys()].every((command) => operator.isAnswered(command))) return false;
  const record = tasks.get(id);
  if (record === undefined) return false;
  const { state, gate } = record;
  if (gate && decision === 'reject') return state.status === 'rejected';
  // Begun after another one's merge: of that its sandbox knows no work.
  if (state.status === 'done' && state.result === null) return true;
  switch (ending) {
    case 'leave':
      return state.status === 'review';
    case 'reject':
      return state.status === 'rejected';
    case 'cancel':
      return state.status === 'cancelled';
    case 'merge':
      // Another one may have been merged before it.
      return state.status === 'done' || (state.status === 'review' && operator.commands.has(`${id}-merge-work-1`));
  }
}
