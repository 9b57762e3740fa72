/** What the form asks; empty where nothing was said. */
export type TaskForm = {
  readonly workspace: string;
  readonly title: string;
  readonly stage: string;
  readonly action: 'run' | 'plan';
  readonly approvalRequired: boolean;
  readonly priority: 'low' | 'normal' | 'high';
  readonly onSuccess: 'review' | 'merge';
  /** One command on a line. */
  readonly postconditions: string;
  /** Task ids, separated by spaces or commas. */
  readonly dependsOn: string;
  readonly text: string;
};

export const emptyForm: TaskForm = {
  workspace: '',
  title: '',
  stage: 'dev',
  action: 'run',
  approvalRequired: false,
  priority: 'normal',
  onSuccess: 'review',
  postconditions: '',
  dependsOn: '',
  text: '',
};

/** The task file that the form describes. What is as it is anyhow is left out. Pure. */
export function taskFile(form: TaskForm): string {
  const dependencies = form.dependsOn.split(/[\s,]+/).filter((id) => id !== '');
  const conditions = linesOf(form.postconditions);
  const header = [
    `workspace: ${scalar(form.workspace)}`,
    form.title.trim() === '' ? '' : `title: ${scalar(form.title.trim())}`,
    form.action === 'run' ? '' : `action: ${form.action}`,
    form.stage === '' ? '' : `stage: ${scalar(form.stage)}`,
    form.approvalRequired ? 'approval_required: true' : '',
    form.priority === 'normal' ? '' : `priority: ${form.priority}`,
    form.onSuccess === 'review' ? '' : `on_success: ${form.onSuccess}`,
    dependencies.length === 0 ? '' : `depends_on: [${dependencies.map(scalar).join(', ')}]`,
    ...(conditions.length === 0 ? [] : ['postconditions:', ...conditions.map((command) => `  - ${quoted(command)}`)]),
  ].filter((line) => line !== '');
  const text = form.text.trim();
  return ['---', ...header, '---', ...(text === '' ? [] : [text]), ''].join('\n');
}

/** A name for the file, from the title: lower-case letters, digits and hyphens. Pure. */
export function fileNameOf(form: TaskForm, nowMs: number): string {
  const stem = (form.title.trim() === '' ? (linesOf(form.text)[0] ?? '') : form.title)
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 60)
    .replace(/-+$/, '');
  const stamp = new Date(nowMs).toISOString().slice(0, 16).replaceAll(/[-:T]/g, '');
  return `${stem === '' ? 'task' : stem}-${stamp}.md`;
}

/** What keeps the file from being dropped, by the field that mends it. Pure. */
export function problemsOf(form: TaskForm): Partial<Record<keyof TaskForm, string>> {
  return {
    ...(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/.test(form.workspace)
      ? {}
      : { workspace: 'A folder below volumes/workspaces/: letters, digits, _, - and .' }),
    ...(form.title.length <= 200 ? {} : { title: 'At most 200 characters.' }),
    ...(form.dependsOn.split(/[\s,]+/).every((id) => id === '' || /^[a-z0-9][a-z0-9-]{1,31}$/.test(id))
      ? {}
      : { dependsOn: 'Task ids, such as k7m2p, separated by spaces.' }),
  };
}

function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

/** Plain where YAML reads it as a text all the same. */
function scalar(value: string): string {
  return /^[A-Za-z][A-Za-z0-9 ._/-]*$/.test(value) &&
    !/^(?:true|false|yes|no|on|off|null)$/i.test(value) &&
    value === value.trim()
    ? value
    : quoted(value);
}

/** A JSON string is a YAML one. */
function quoted(value: string): string {
  return JSON.stringify(value).replaceAll(
    /[\u007f-\u009f\u2028\u2029\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
