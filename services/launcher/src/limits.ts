import { serviceLimits } from '@countersign/contracts/limits.ts';

/** Every queue, size and wait of the launcher. Bytes are bytes, `Ms` milliseconds. */
export const launcherLimits = {
  /** Sandboxes of one stack at a time, ended ones included until they are removed. */
  sandboxes: 64,
  /** Of these, so many may wait for tasks: the others are for tasks. */
  warmSandboxes: 32,
  /** Of the profile `default`, where it does not say how many wait. */
  warmByDefault: 2,
  bodyBytes: 4096,
  connections: 128,
  messageCharacters: 500,
  /** Everything that one request does at the engine; less than the caller waits, so that the caller gets a reason. */
  requestMs: serviceLimits.requestMs - 5_000,
  /** One silent call to the engine. */
  engineSilenceMs: 20_000,
  engineHealthMs: 3_000,
  /** Between two looks at the engine that nobody asked for. */
  beatMs: 5_000,
  /** To remove a container whose start failed. */
  discardMs: 20_000,
  /** How long a profile's resolution (image, runtime) is believed. */
  profileCacheMs: 2_000,
  /** How long the engine's list of runtimes is believed: it starts each of them to tell its version. */
  runtimesCacheMs: 30_000,
  /** Profiles, each with and without workspaces, that are remembered at a time. */
  rememberedProfiles: 256,
  removalPollMs: 50,
  /** Orders that are remembered until they expire: so many are taken in a minute. */
  orders: 60,
  /** How far ahead the clock of whoever signs an order may be. */
  orderSkewMs: 5_000,
  /** Orders that were carried out or refused, kept for the runner to write into its journal. */
  toldOrders: 100,
  /** From SIGTERM to SIGKILL; less than one silent call to the engine may take. */
  stopSeconds: 15,
} as const;
