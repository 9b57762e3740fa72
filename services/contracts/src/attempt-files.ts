/** What a sandbox is used for in an attempt. */
export const purposes = ['plan', 'preconditions', 'run', 'postconditions', 'rebase'] as const;
export type Purpose = (typeof purposes)[number];

/** Names of the raw output of an attempt's parts, in its folder. */
export const outputNames = {
  plan: { stdout: 'plan.stdout.log', stderr: 'plan.stderr.log' },
  preconditions: { stdout: 'preconditions.stdout.log', stderr: 'preconditions.stderr.log' },
  run: { stdout: 'stdout.log', stderr: 'stderr.log' },
  postconditions: { stdout: 'postconditions.stdout.log', stderr: 'postconditions.stderr.log' },
  rebase: { stdout: 'rebase.stdout.log', stderr: 'rebase.stderr.log' },
} as const satisfies Record<Purpose, { readonly stdout: string; readonly stderr: string }>;

/** How the conditions that an attempt's work began under ended, as JSON, in its folder. */
export const preconditionsFile = 'preconditions.json';
