import type { Sentence } from './sentence.ts';

type About = {
  readonly task: string;
  readonly digest: string;
  readonly isVerified: boolean;
  /** A target branch is no longer where the work began. */
  readonly hasMoved: boolean;
  /** The merge takes a one-time code. */
  readonly isWithCode: boolean;
};

/** How to decide on a result in the room. */
export function mergeHere({ task, isVerified, hasMoved, isWithCode }: About): Sentence {
  return [
    ...(hasMoved
      ? ([
          { text: 'To carry it over to where the branch is now, to be shown anew, write ' },
          { text: `rebase ${task}`, isCode: true },
          { text: '. ' },
        ] as const)
      : []),
    {
      text: isVerified
        ? `To merge, ${isWithCode ? '' : 'react 🔀 to this message, or '}write `
        : 'No postcondition was checked; to merge all the same, write ',
    },
    { text: `merge ${task}${isVerified ? '' : ' unverified'}${isWithCode ? ' CODE' : ''}`, isCode: true },
    ...(isWithCode ? [{ text: ' with the six digits of the one-time code in place of CODE' }] : []),
    { text: '; to refuse it, ' },
    { text: `reject ${task} reason`, isCode: true },
    {
      text: `. ${isVerified && !isWithCode ? 'No other reaction' : 'No reaction'} decides anything here. The whole diff is at the machine: `,
    },
    { text: `scripts/countersign diff ${task}`, isCode: true },
    { text: '.' },
  ];
}

/** @param why the room does not decide, up to where the commands follow */
export function mergeElsewhere({ task, digest, isVerified, hasMoved }: About, why: string): Sentence {
  return [
    { text: why },
    { text: `scripts/countersign show ${task}`, isCode: true },
    { text: ', then ' },
    {
      text: `scripts/countersign merge ${task} --digest ${digest.slice(0, 8)}${isVerified ? '' : ' --unverified'}`,
      isCode: true,
    },
    ...(hasMoved ? ([{ text: ', ' }, { text: `scripts/countersign rebase ${task}`, isCode: true }] as const) : []),
    { text: ' or ' },
    { text: `scripts/countersign reject ${task} reason`, isCode: true },
    { text: '.' },
  ];
}
