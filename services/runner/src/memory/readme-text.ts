/** What the memory's folder says of itself to whoever opens it. */
export const readmeText = `# Memory

What this control plane remembers, as plain files in a git repository of its own. Edit them with any editor: a change by hand is
taken over and committed. Delete what is no longer true; git keeps it.

Each workspace has a folder, and in it:

- \`tasks/T0147-a-few-words.md\`: durable tasks. Front matter with \`id\`, \`title\`, \`status\` (todo, running, waiting, review, done,
  failed or cancelled) and, where it matters, \`base_branch\` and \`repos\`; other keys are yours. Below it, what is to be done.
  A dropped file with \`task: T0147\` works for this task. Of the file, only the word after \`status:\` is ever changed.
- \`decisions/any-name.md\`: what was decided and why. The newest by name come first: begin the name with a date.
- \`notes/any-name.md\`: anything else that whoever works here should know.
- \`handoffs/\`: what each run left behind, written by the control plane.

Every run starts with a brief that is made from these files. Names are ASCII letters, digits, \`_\`, \`-\`, \`.\` and spaces;
other files, and links, are left alone. Nothing is fetched or pushed; add a remote and push it yourself if you want a copy.
`;
