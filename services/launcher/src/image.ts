import { z } from 'zod';

/**
 * An image as the engine reports it, of which only this is looked at. `config` is what a container takes over from it; `layers`
 * are the digests of its content from the lowest up, so that an image made from another one begins with that one's.
 */
export const ImageAnswer = z
  .object({
    Id: z.string().regex(/^sha256:[0-9a-f]{64}$/),
    Config: z.looseObject({}).nullish(),
    RootFS: z.object({ Layers: z.array(z.string()).nullish() }).nullish(),
  })
  .transform(({ Id, Config, RootFS }): Image => ({ id: Id, config: Config ?? {}, layers: RootFS?.Layers ?? [] }));

export type Image = {
  readonly id: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly layers: readonly string[];
};
