import { inertLine } from '@countersign/contracts/inert-text.ts';
import type { Choices } from '@countersign/contracts/page-api.ts';
import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useCommand } from '../api/command.ts';
import { useResource } from '../api/resource.ts';
import { ForeignText } from '../parts/foreign.tsx';
import { Head } from '../parts/head.tsx';
import { Verdict } from '../parts/verdict.tsx';
import { emptyForm, fileNameOf, problemsOf, type TaskForm, taskFile } from '../text/task-file-preview.ts';

/** Asks for a task, and shows the file that is dropped in the inbox for it. */
export function NewTask(): JSX.Element {
  const choices = useResource<Choices>('/api/choices');
  const { state, send } = useCommand();
  const [form, setForm] = useState<TaskForm>(emptyForm);
  const [asked, setAsked] = useState(false);
  const [openedAt] = useState(() => Date.now());
  const known = choices.data.value?.stages ?? [];
  // A task file that names no stage is of this one.
  const stages = known.length > 0 ? known : [{ name: emptyForm.stage, gate: 'none' as const }];
  const problems = problemsOf(form);
  const content = taskFile(form);
  const file = fileNameOf(form, openedAt);
  const { status } = state.value;
  const sent = status === 'sending' || status === 'sent' || status === 'accepted';
  const change = (fields: Partial<TaskForm>): void => setForm({ ...form, ...fields });
  const wrong = (name: keyof TaskForm): string | undefined => (asked ? problems[name] : undefined);

  return (
    <>
      <Head title="New task" tab="New task" />
      <form
        class="new-task"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          setAsked(true);
          if (Object.keys(problems).length === 0) send({ kind: 'submit', file, content });
        }}
      >
        <div class="sheet body-sheet stack">
          <Field name="Workspace" wrong={wrong('workspace')}>
            <input
              name="workspace"
              list="workspaces"
              required
              autocomplete="off"
              value={form.workspace}
              aria-invalid={wrong('workspace') !== undefined}
              onInput={(event) => change({ workspace: event.currentTarget.value.trim() })}
            />
          </Field>
          <datalist id="workspaces">
            {choices.data.value?.workspaces.map((name) => (
              <option key={name} value={name} />
            ))}
          </datalist>
          <Field name="Title" wrong={wrong('title')}>
            <input
              name="title"
              value={form.title}
              autocomplete="off"
              maxLength={200}
              onInput={(event) => change({ title: event.currentTarget.value })}
            />
          </Field>
          <Field name="What is to be done" hint="Empty takes the workspace's own plan.">
            <textarea
              name="text"
              rows={8}
              value={form.text}
              onInput={(event) => change({ text: event.currentTarget.value })}
            />
          </Field>
          <div class="pairs">
            <Select
              name="Stage"
              of={stages.map(({ name, gate }) => [
                name,
                `${inertLine(name)}${gate === 'none' ? '' : ', asks me first'}`,
              ])}
              chosen={form.stage}
              onChoose={(stage) => change({ stage })}
            />
            <Select
              name="Priority"
              of={[
                ['low', 'low'],
                ['normal', 'normal'],
                ['high', 'high'],
              ]}
              chosen={form.priority}
              onChoose={(priority) => change({ priority })}
            />
            <Select
              name="Action"
              of={[
                ['run', 'run'],
                ['plan', 'plan only'],
              ]}
              chosen={form.action}
              onChoose={(action) => change({ action })}
            />
            <Select
              name="When it succeeds"
              of={[
                ['review', 'ask me'],
                ['merge', 'merge it'],
              ]}
              chosen={form.onSuccess}
              onChoose={(onSuccess) => change({ onSuccess })}
            />
          </div>
          <label class="check">
            <input
              type="checkbox"
              checked={form.approvalRequired}
              onChange={(event) => change({ approvalRequired: event.currentTarget.checked })}
            />
            Ask me for approval of the plan
          </label>
          <Field name="Checks" hint="One command a line; each has to end with 0.">
            <textarea
              name="postconditions"
              class="mono"
              rows={3}
              placeholder="npm test"
              value={form.postconditions}
              onInput={(event) => change({ postconditions: event.currentTarget.value })}
            />
          </Field>
          <Field name="After these tasks" wrong={wrong('dependsOn')}>
            <input
              name="depends_on"
              placeholder="k7m2p"
              autocomplete="off"
              value={form.dependsOn}
              onInput={(event) => change({ dependsOn: event.currentTarget.value })}
            />
          </Field>
        </div>
        <section class="sheet body-sheet stack preview" aria-labelledby="preview">
          <h2 id="preview">The file that is dropped</h2>
          <p class="small">
            <code>inbox/{file}</code>
          </p>
          <ForeignText text={content} label="The task file" />
          <Verdict state={state.value} />
          <div>
            <button type="submit" class="primary" disabled={sent}>
              Drop it in the inbox
            </button>
          </div>
        </section>
      </form>
    </>
  );
}

function Select<Value extends string>(properties: {
  readonly name: string;
  /** Values, and what they are called. */
  readonly of: readonly (readonly [Value, string])[];
  readonly chosen: Value;
  readonly onChoose: (value: Value) => void;
}): JSX.Element {
  const { name, of, chosen, onChoose } = properties;
  return (
    <Field name={name}>
      <select value={chosen} onChange={(event) => onChoose(event.currentTarget.value as Value)}>
        {of.map(([value, words]) => (
          <option key={value} value={value}>
            {words}
          </option>
        ))}
      </select>
    </Field>
  );
}

function Field(properties: {
  readonly name: string;
  readonly hint?: string;
  readonly wrong?: string;
  readonly children: ComponentChildren;
}): JSX.Element {
  const { name, hint, wrong, children } = properties;
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: the field is what it is put around
    <label class="field">
      <span>
        {name} {hint !== undefined && <span class="soft">{hint}</span>}
      </span>
      {children}
      {wrong !== undefined && (
        <span class="wrong" role="alert">
          {wrong}
        </span>
      )}
    </label>
  );
}
