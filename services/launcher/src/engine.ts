import { addAbortListener } from 'node:events';
import Docker from 'dockerode';
import { z } from 'zod';
import { Inspection, ListedContainer } from './container.ts';
import { EngineError } from './engine-error.ts';
import { type Image, ImageAnswer } from './image.ts';
import { launcherLimits } from './limits.ts';
import type { ContainerOptions } from './policy.ts';
import type { Runtimes } from './runtime.ts';
import { ServiceInspection } from './services/service-container.ts';

export type Volume = { readonly driver: string; readonly options: Readonly<Record<string, string>> };

/**
 * All that the launcher ever asks of the engine: no archive, exec, attach, log, pull or build is here to be called.
 * Every method throws EngineError; `null` is the answer for what does not exist.
 */
export interface Engine {
  version(signal: AbortSignal): Promise<{ engine: string; api: string }>;
  runtimes(signal: AbortSignal): Promise<Runtimes>;
  image(reference: string, signal: AbortSignal): Promise<Image | null>;
  volume(name: string, signal: AbortSignal): Promise<Volume | null>;
  /** @returns the container's id; `conflict` when the name is taken, `not-found` when the image is gone */
  create(name: string, options: ContainerOptions, signal: AbortSignal): Promise<string>;
  inspect(id: string, signal: AbortSignal): Promise<Inspection | null>;
  /** Of a container that is no sandbox: how it stands, and nothing else of it. */
  inspectService(id: string, signal: AbortSignal): Promise<ServiceInspection | null>;
  /** `conflict` when it runs already. */
  start(id: string, signal: AbortSignal): Promise<void>;
  /**
   * SIGTERM, and after so many seconds SIGKILL; its restart policy is suspended until it is started again. `conflict` when it does
   * not run.
   */
  stop(id: string, seconds: number, signal: AbortSignal): Promise<void>;
  /** `not-found` or `conflict` when there is no process to signal. */
  kill(id: string, name: 'SIGINT' | 'SIGTERM' | 'SIGKILL', signal: AbortSignal): Promise<void>;
  /** Kills and removes, with the volumes that only this container had. Removal may go on after the answer. */
  remove(id: string, signal: AbortSignal): Promise<void>;
  /** Containers in every state that have all these labels. */
  list(labels: Readonly<Record<string, string>>, signal: AbortSignal): Promise<ListedContainer[]>;
}

/** Pinned: what the engine answers and how it reads our options does not change when it is upgraded. */
const apiVersion = 'v1.45';

const VersionAnswer = z.object({ Version: z.string(), ApiVersion: z.string() });
const InfoAnswer = z.object({
  Runtimes: z.record(z.string(), z.object({ runtimeArgs: z.array(z.string()).nullish() })),
});
const VolumeAnswer = z.object({ Driver: z.string(), Options: z.record(z.string(), z.string()).nullish() });
const Failure = z.object({
  message: z.string(),
  statusCode: z.int().optional().catch(undefined),
  json: z.object({ message: z.string() }).optional().catch(undefined),
});

/** The engine behind a Docker socket. @param socketPath a unix socket; environment variables of Docker's are not looked at */
export function createEngine(socketPath: string): Engine {
  const docker = new Docker({
    socketPath,
    // Named, so that a DOCKER_HOST in the environment is not taken instead.
    host: undefined,
    protocol: 'http',
    version: apiVersion,
    timeout: launcherLimits.engineSilenceMs,
  });
  return {
    async version(signal) {
      const { Version, ApiVersion } = await ask(VersionAnswer, signal, () => docker.version());
      return { engine: Version, api: ApiVersion };
    },
    async runtimes(signal) {
      const { Runtimes } = await ask(InfoAnswer, signal, () => docker.info());
      return new Map(Object.entries(Runtimes).map(([name, { runtimeArgs }]) => [name, runtimeArgs ?? []]));
    },
    image: (reference, signal) => orNull(ask(ImageAnswer, signal, () => docker.getImage(reference).inspect())),
    async volume(name, signal) {
      const answer = await orNull(
        ask(VolumeAnswer, signal, () => docker.getVolume(name).inspect({ abortSignal: signal })),
      );
      return answer && { driver: answer.Driver, options: answer.Options ?? {} };
    },
    async create(name, options, signal) {
      // Without `_query` and `_body` dockerode repeats all options in the URL.
      const request = { name, _query: { name }, _body: options, abortSignal: signal };
      return (await ask(z.object({ id: z.string() }), signal, () => docker.createContainer(request))).id;
    },
    inspect: (id, signal) =>
      orNull(ask(Inspection, signal, () => docker.getContainer(id).inspect({ abortSignal: signal }))),
    inspectService: (id, signal) =>
      orNull(ask(ServiceInspection, signal, () => docker.getContainer(id).inspect({ abortSignal: signal }))),
    async start(id, signal) {
      await ask(z.unknown(), signal, () => docker.getContainer(id).start({ abortSignal: signal }));
    },
    async stop(id, seconds, signal) {
      await ask(z.unknown(), signal, () => docker.getContainer(id).stop({ t: seconds, abortSignal: signal }));
    },
    async kill(id, name, signal) {
      await ask(z.unknown(), signal, () => docker.getContainer(id).kill({ signal: name, abortSignal: signal }));
    },
    async remove(id, signal) {
      const options = { force: true, v: true, abortSignal: signal };
      await ask(z.unknown(), signal, () => docker.getContainer(id).remove(options)).catch((error: unknown) => {
        // Gone already, or on its way out: the caller looks.
        if (!(error instanceof EngineError && (error.code === 'not-found' || error.code === 'conflict'))) throw error;
      });
    },
    list(labels, signal) {
      const filters = { label: Object.entries(labels).map(([name, value]) => `${name}=${value}`) };
      return ask(z.array(ListedContainer), signal, () =>
        docker.listContainers({ all: true, filters: JSON.stringify(filters), abortSignal: signal }),
      );
    },
  };
}

async function ask<Schema extends z.ZodType>(
  schema: Schema,
  signal: AbortSignal,
  call: () => Promise<unknown>,
): Promise<z.output<Schema>> {
  let answer: unknown;
  try {
    signal.throwIfAborted();
    answer = await orAborted(call(), signal);
  } catch (cause) {
    throw asEngineError(cause, signal);
  }
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  throw new EngineError('refused', `an answer that is not understood: ${z.prettifyError(parsed.error)}`);
}

/** Not every call of dockerode's takes a signal; one that does not is left to end by the silence limit. */
async function orAborted<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  using _listener = addAbortListener(signal, () => reject(signal.reason));
  return await Promise.race([answer, aborted]);
}

async function orNull<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof EngineError && error.code === 'not-found') return null;
    throw error;
  }
}

function asEngineError(cause: unknown, signal: AbortSignal): EngineError {
  if (signal.aborted) return new EngineError('unreachable', 'no answer in time', { cause });
  const { message: text, statusCode, json } = Failure.parse(cause);
  if (statusCode === undefined) return new EngineError('unreachable', text, { cause });
  const message = json?.message ?? text;
  if (statusCode === 404) return new EngineError('not-found', message, { cause });
  // 304: it is in that state already.
  if (statusCode === 409 || statusCode === 304) return new EngineError('conflict', message, { cause });
  return new EngineError('refused', message, { cause });
}
