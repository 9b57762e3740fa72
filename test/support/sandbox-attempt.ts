import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EndFrame, TaskFrame, TextFrame } from '@countersign/contracts/frames.ts';
import { type BasePack, basePack } from '@countersign/runner/src/git/base-pack.ts';
import { type Delivery, type ExchangeOutcome, exchange } from '@countersign/runner/src/sandbox/exchange.ts';
import type { ReceivedFiles } from '@countersign/runner/src/sandbox/receiver.ts';
import { makeRepository } from '@countersign/sandbox-agent/src/testing/repository.ts';
import { execa } from 'execa';
import { parse } from 'yaml';
import type { Sandbox } from './sandbox-container.ts';
import { root } from './stack.ts';

/** The built-in agent, as `configs/tools.yaml` has it. */
const builtIn = ['node', '/app/agent/tool/main.js'];
export const shell = (script: string) => ['sh', '-c', script];

/** A repository that a test brings itself, with its pack. */
type SentRepository = { readonly frame: TaskFrame['repositories'][number]; readonly pack: Buffer };
type Order = Partial<Omit<TaskFrame, 'texts' | 'repositories' | 'task'>> & {
  readonly objective?: string;
  /** Instead of the assigner's own one. */
  readonly repositories?: readonly SentRepository[];
};
type AttemptOptions = {
  readonly onProgress?: (line: string) => void;
};

/** Gives sandboxes tasks upon one repository of the operator's, with the runner's own half of the protocol. */
export class Assigner {
  readonly #folder: string;
  readonly #origin: string;
  readonly #baseHead: string;
  readonly #pack: BasePack;
  readonly #prompts: readonly TextFrame[];

  private constructor(
    folder: string,
    repository: { folder: string; baseHead: string },
    pack: BasePack,
    prompts: readonly TextFrame[],
  ) {
    this.#folder = folder;
    this.#origin = repository.folder;
    this.#baseHead = repository.baseHead;
    this.#pack = pack;
    this.#prompts = prompts;
  }

  static async open(folder: string): Promise<Assigner> {
    const repository = makeRepository(join(folder, 'demo'), 'demo');
    const pack = await basePack(join(folder, 'packs'), { ...repository, path: repository.name }, repository.baseHead);
    const prompts = await Promise.all((['plan', 'run'] as const).map(readPrompt));
    return new Assigner(folder, repository, pack, prompts);
  }

  /** Starts a task in a sandbox; `outcome` is there when its result is, or when it is lost. */
  async begin(sandbox: Sandbox, order: Order, { onProgress }: AttemptOptions = {}): Promise<Attempt> {
    const { objective = '', repositories, ...changes } = order;
    const task = `t-${randomBytes(4).toString('hex')}`;
    const folder = join(this.#folder, task);
    await mkdir(folder);
    const texts = [...this.#prompts, { name: 'objective' as const, text: objective }];
    const sent = repositories === undefined ? [this.#own()] : await Promise.all(repositories.map(savePack(folder)));
    const frame: TaskFrame = {
      task,
      mode: 'run',
      command: builtIn,
      model: 'rehearsal',
      step_limit: 20,
      token_budget: 500_000,
      interrupt_ms: 5_000,
      terminate_ms: 5_000,
      output_bytes: 1024 * 1024,
      ...changes,
      repositories: sent.map(({ frame }) => frame),
      texts: texts.length,
    };
    const stop = new AbortController();
    const lines: string[] = [];
    const files = { folder, stdout: join(folder, 'stdout.log'), stderr: join(folder, 'stderr.log') };
    const outcome = exchange({
      slot: sandbox.slot,
      assignment: { task: frame, texts, packs: sent.map(({ pack }) => pack) },
      files,
      lost: () => whyLost(sandbox),
      progress: (line) => {
        lines.push(line);
        onProgress?.(line);
      },
      stop: stop.signal,
      leave: new AbortController().signal,
      waits: { collectMs: 30_000, lostCheckMs: 200 },
    });
    return new Attempt(this.#origin, files, lines, stop, outcome);
  }

  #own() {
    const { path: _, ...pack } = this.#pack;
    return { frame: { name: 'demo', base_head: this.#baseHead, pack }, pack: this.#pack };
  }

  /** The whole of it. */
  async run(sandbox: Sandbox, order: Order, options?: AttemptOptions): Promise<Result> {
    return await (await this.begin(sandbox, order, options)).result();
  }
}

export class Attempt {
  readonly lines: readonly string[];
  readonly outcome: Promise<ExchangeOutcome>;
  readonly #origin: string;
  readonly #files: ReceivedFiles;
  readonly #stop: AbortController;

  constructor(
    origin: string,
    files: ReceivedFiles,
    lines: readonly string[],
    stop: AbortController,
    outcome: Promise<ExchangeOutcome>,
  ) {
    this.#origin = origin;
    this.#files = files;
    this.lines = lines;
    this.#stop = stop;
    this.outcome = outcome;
  }

  stop(reason: string): void {
    this.#stop.abort(reason);
  }

  /** What has come of standard output so far. */
  async stdout(): Promise<string> {
    return await readFile(this.#files.stdout, 'utf8').catch(() => '');
  }

  /** @throws Error when the sandbox was lost */
  async result(): Promise<Result> {
    const outcome = await this.outcome;
    if (!outcome.ok) throw new Error(`${outcome.errorClass}: ${outcome.reason}`);
    return new Result(this.#origin, this.#files, outcome.delivery, outcome.acknowledge, this.lines);
  }
}

/** A result as the runner holds it. */
export class Result {
  readonly end: EndFrame;
  readonly summary: string | null;
  readonly plan: string | null;
  readonly handoff: string | null;
  readonly lines: readonly string[];
  readonly acknowledge: () => Promise<void>;
  readonly #delivery: Delivery;
  readonly #origin: string;
  readonly #files: ReceivedFiles;

  constructor(
    origin: string,
    files: ReceivedFiles,
    delivery: Delivery,
    acknowledge: () => Promise<void>,
    lines: readonly string[],
  ) {
    this.#origin = origin;
    this.#files = files;
    this.#delivery = delivery;
    this.acknowledge = acknowledge;
    this.end = delivery.end;
    this.summary = delivery.summary;
    this.plan = delivery.plan;
    this.handoff = delivery.handoff;
    this.lines = lines;
  }

  stdout(): Promise<Buffer> {
    return readFile(this.#files.stdout);
  }

  async stderr(): Promise<string> {
    return await readFile(this.#files.stderr, 'utf8');
  }

  /** Names of the files that came besides the two outputs. */
  async received(): Promise<string[]> {
    return (await readdir(this.#files.folder)).filter((name) => !name.endsWith('.log')).sort();
  }

  /** The bundle of one repository as it came. */
  bundle(repository: number): Promise<Buffer> {
    return readFile(this.#delivery.bundlePath(repository));
  }

  /** Takes the bundle into the operator's repository and reads a file of its commit. @throws when there is none */
  async file(path: string): Promise<string> {
    await this.#fetch();
    return await this.#git('show', `${this.#head}:${path}`);
  }

  /** Subjects of the commits that came, the newest first. */
  async subjects(): Promise<string[]> {
    await this.#fetch();
    return (await this.#git('log', '--format=%s', `HEAD..${this.#head}`)).split('\n');
  }

  get #head(): string {
    const head = this.end.bundles[0]?.head;
    if (head === undefined) throw new Error(`no bundle came: ${this.end.message}`);
    return head;
  }

  async #fetch(): Promise<void> {
    await this.#git('fetch', '-q', this.#delivery.bundlePath(0), `+refs/*:refs/results/${this.#head}/*`);
  }

  async #git(...args: string[]): Promise<string> {
    return (await execa('git', args, { cwd: this.#origin })).stdout;
  }
}

/** The same that the runner concludes from the launcher's list. */
async function whyLost(sandbox: Sandbox): Promise<string | null> {
  const state = await sandbox.state();
  if (state?.state !== 'ended') return null;
  return state.out_of_memory ? 'the sandbox ran out of memory' : `the sandbox ended with exit code ${state.exit_code}`;
}

async function readPrompt(purpose: 'plan' | 'run'): Promise<TextFrame> {
  const { system } = parse(await readFile(join(root, 'configs', 'prompts', `${purpose}.yaml`), 'utf8'));
  return { name: `prompt-${purpose}`, text: system };
}

/** @param folder where the packs are read from while they are sent */
function savePack(folder: string) {
  return async ({ frame, pack }: SentRepository, index: number): Promise<{ frame: typeof frame; pack: BasePack }> => {
    const path = join(folder, `${index}.pack.log`);
    await writeFile(path, pack);
    return { frame, pack: { path, ...frame.pack } };
  };
}
