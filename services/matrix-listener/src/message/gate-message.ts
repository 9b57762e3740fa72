import { secondFactorStage } from '@countersign/contracts/config/stages.ts';
import { inertLine, inertLines } from '@countersign/contracts/inert-text.ts';
import { describeModel } from '@countersign/contracts/model-text.ts';
import type { ApprovalView, Pending } from '@countersign/kit/approval-view.ts';
import { cut, type MessageContent } from './content.ts';
import { messageLimits } from './message-limits.ts';
import { type Fact, type RequestParts, requestMessage } from './request-message.ts';
import { inertFact, type Sentence } from './sentence.ts';

/**
 * What the room is asked with: facts that we state, then how to decide, then the model's words, each line marked so that none
 * of them can pass for ours. Everything comes from the bytes that the digest covers, but for the title. Pure.
 * @param view what an approval would bind, checked against its digest
 * @param may.decide whether anybody may decide on this stage in the room
 */
export function gateMessage(view: ApprovalView, record: Pending, may: { readonly decide: boolean }): MessageContent {
  const { bundle, plan } = view;
  const lines = inertLines(plan);
  const parts: RequestParts = {
    title: 'Approval required',
    file: bundle.file,
    facts: factsOf(view, record),
    step: may.decide ? decideHere(bundle) : decideElsewhere(view),
    words: {
      heading: `The plan, ${lines.length === 1 ? '1 line' : `${lines.length} lines`}. These are the words of the model, not of Countersign`,
      lines,
    },
    whole: `scripts/countersign show ${bundle.task}`,
  };
  return requestMessage(() => parts);
}

function factsOf({ digest, bundle }: ApprovalView, record: Pending): Fact[] {
  const { task, stage, workspace, repositories, tool, model, sandbox } = bundle;
  return [
    ['file', bundle.file],
    ...(record.file === bundle.file ? [] : [['now called', record.file] as const]),
    ['task', task],
    ['stage', stage],
    ['workspace', workspace],
    ...repositories.map(
      ({ name, branch, base_head }): Fact => [
        'repository',
        `${name}, branch ${cut(inertLine(branch), messageLimits.branchCharacters)}, from commit ${base_head}`,
      ],
    ),
    ['tool', tool.name],
    ['model', describeModel(model)],
    ['limits', `${bundle.timeout_sec} s, sandbox profile ${sandbox.profile}, expires ${bundle.expires_at}`],
    ['digest', digest.slice(0, 8)],
    // Last, so that whatever it says stands behind our own words.
    ['title, in the words of the task file', record.title],
  ];
}

function decideHere({ task, stage }: ApprovalView['bundle']): Sentence {
  if (stage === secondFactorStage)
    return [
      { text: 'To decide, write ' },
      { text: `approve ${task} CODE`, isCode: true },
      { text: ' with the six digits of the one-time code in place of CODE, or react ❌, or write ' },
      { text: `reject ${task} reason`, isCode: true },
      { text: '. ✅ approves nothing here.' },
    ];
  return [
    { text: 'To decide, react ✅ or ❌ to this message, or write ' },
    { text: `approve ${task}`, isCode: true },
    { text: ' or ' },
    { text: `reject ${task} reason`, isCode: true },
    { text: '.' },
  ];
}

function decideElsewhere({ digest, bundle }: ApprovalView): Sentence {
  const { task } = bundle;
  const stage = inertFact(bundle.stage);
  const why =
    stage === secondFactorStage
      ? `${stage} is not decided in this room: it is decided at the machine itself, or on the dashboard with a one-time code. At the machine, `
      : `Stage ${stage} is not decided in this room; configs/stages.yaml lists who decides on it. At the machine, `;
  return [
    { text: why },
    { text: `scripts/countersign show ${task}`, isCode: true },
    { text: ', then ' },
    { text: `scripts/countersign approve ${task} --digest ${digest.slice(0, 8)}`, isCode: true },
    { text: ' or ' },
    { text: `scripts/countersign reject ${task} reason`, isCode: true },
    { text: '.' },
  ];
}
