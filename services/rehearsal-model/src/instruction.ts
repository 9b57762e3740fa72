/** What one line of a plan asks for, once it is understood. */
export type Instruction =
  | { kind: 'create'; path: string; content: string }
  | { kind: 'append'; path: string; text: string }
  | { kind: 'edit'; path: string; oldText: string; newText: string }
  | { kind: 'run'; command: string }
  | { kind: 'ask'; question: string; options: string[]; silence: string | undefined }
  | { kind: 'summarise'; path: string };

const greeting = 'Hello from the rehearsal model.\n';
const defaultSummaryPath = 'agent-summary.md';

const quoted = '(?:"[^"]*"|\'[^\']*\'|`[^`]*`)';
const name = '(?:"[^"]+"|\'[^\']+\'|`[^`]+`|[^\\s"\'`:,]+)';
const create = new RegExp(
  String.raw`^(?:create|write|make|add)\s+(?:an?\s+|the\s+)?(?:new\s+)?(file\s+)?(?:named\s+|called\s+)?(${name})` +
    String.raw`(?:\s+(?:with|containing|saying|that says)\s+(.+))?$`,
  'is',
);
const append = new RegExp(String.raw`^append\s+(${quoted}|.+?)\s+to\s+(?:the\s+)?(?:file\s+)?(${name})\.?$`, 'is');
const replaceIn = new RegExp(String.raw`^replace\s+(${quoted})\s+(?:with|by)\s+(${quoted})\s+in\s+(${name})\.?$`, 'is');
const editFile = new RegExp(
  String.raw`^edit\s+(${name})\s*[:,]?\s+(?:and\s+)?replace\s+(${quoted})\s+(?:with|by)\s+(${quoted})\.?$`,
  'is',
);
const ask = new RegExp(
  String.raw`^ask\s+(${quoted})(?:\s+offering\s+(${quoted}(?:\s*(?:,|or)\s*${quoted})*))?(?:\s+by\s+default\s+(${quoted}))?\.?$`,
  'is',
);
const run = /^(?:run|execute)\s+(?:the\s+command\s+)?:?\s*(.+)$/is;
const summarise = new RegExp(
  String.raw`^(?:generate|write|create|make)\s+(?:an?\s+|the\s+)?(?:short\s+)?summary(?:\s+file)?(?:\s+(?:in|to|into|as)\s+(${name}))?\.?$`,
  'is',
);

function unquote(text: string): string {
  const match = /^(["'`])(.*)\1$/s.exec(text.trim());
  return match?.[2] === undefined ? text.trim() : match[2].replaceAll('\\n', '\n');
}

/** Whether a bare word can be meant as a file: "create hello.txt" is, "create tests" is not. */
function isFileLike(word: string): boolean {
  return /^["'`]/.test(word) || /[./]/.test(word.replace(/\.$/, ''));
}

function asFileContent(text: string | undefined): string {
  if (text === undefined) return greeting;
  if (/^(?:an?|some|the)?\s*(?:short\s+|simple\s+|friendly\s+)*(?:message|greeting|text|content)\.?$/i.test(text))
    return greeting;
  const content = unquote(text.replace(/^(?:the\s+)?(?:text|content|contents|message|line)[:\s]\s*(?=\S)/i, ''));
  return content.endsWith('\n') ? content : `${content}\n`;
}

/** A sentence's full stop is not part of its command, and an article is no program. */
function asCommand(text: string): string | undefined {
  const command = unquote(text.trim().replace(/(?<=[\w"'`])\.$/, ''));
  return command === '' || /^(?:an?|the|all|some|it)\s/i.test(command) ? undefined : command;
}

/** Reads one line of a plan. Answers undefined for a line that it does not understand. */
export function parseInstruction(line: string): Instruction | undefined {
  const summary = summarise.exec(line);
  if (summary) return { kind: 'summarise', path: summary[1] ? unquote(summary[1]) : defaultSummaryPath };

  const [, file, created, content] = create.exec(line) ?? [];
  if (created && (file || isFileLike(created))) {
    const path = unquote(content === undefined ? created.replace(/\.$/, '') : created);
    return { kind: 'create', path, content: asFileContent(content) };
  }
  const [, appended, appendedTo] = append.exec(line) ?? [];
  if (appended && appendedTo) return { kind: 'append', path: unquote(appendedTo), text: unquote(appended) };

  const [, oldText, newText, replacedIn] = replaceIn.exec(line) ?? [];
  if (oldText && newText && replacedIn) {
    return { kind: 'edit', path: unquote(replacedIn), oldText: unquote(oldText), newText: unquote(newText) };
  }
  const [, edited, before, after] = editFile.exec(line) ?? [];
  if (edited && before && after) {
    return { kind: 'edit', path: unquote(edited), oldText: unquote(before), newText: unquote(after) };
  }
  const [, question, offered, silence] = ask.exec(line) ?? [];
  if (question !== undefined) {
    const options = (offered?.match(new RegExp(quoted, 'gs')) ?? []).map(unquote);
    return { kind: 'ask', question: unquote(question), options, silence: silence && unquote(silence) };
  }
  const command = asCommand(run.exec(line)?.[1] ?? '');
  return command === undefined ? undefined : { kind: 'run', command };
}
