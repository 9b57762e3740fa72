import type { StreamBatch } from '@countersign/contracts/page-api.ts';

/** What a stream wants to hear beside the tasks that change. */
export type Following = {
  /** Position of the last batch that was heard; null for one that begins: it is told what changes from now on. */
  readonly after: string | null;
  /** Ids of tasks whose output is followed from where it ends now. */
  readonly tasks: readonly string[];
  /** Names of services whose logs are followed from where they end now. */
  readonly services: readonly string[];
};

/** `reset`: what was missed cannot be told any more, or the index is made anew; everything is to be asked for again. */
export type Told =
  | { readonly kind: 'batch'; readonly position: string; readonly batch: StreamBatch }
  | { readonly kind: 'reset'; readonly position: string };

export type Listener = (told: Told) => void;
