import { z } from 'zod';

/** `@name:server`, as Matrix spells a user; compared as a whole, letter by letter. */
export const MatrixUserId = z
  .string()
  .max(255)
  .regex(/^@[\x21-\x39\x3b-\x7e]+:[A-Za-z0-9.:[\]-]+$/, 'a Matrix user is @name:server');
export type MatrixUserId = z.infer<typeof MatrixUserId>;

/** `!opaque`, with `:server` behind it up to room version 11. An alias (`#name:server`) can be pointed elsewhere and is no room id. */
export const MatrixRoomId = z
  .string()
  .max(255)
  .regex(/^![A-Za-z0-9._~=+/:[\]-]+$/, 'a room id begins with !; an alias (#…) is none');
export type MatrixRoomId = z.infer<typeof MatrixRoomId>;

/** `$opaque`. */
export const MatrixEventId = z
  .string()
  .max(255)
  .regex(/^\$[\x21-\x7e]+$/);
export type MatrixEventId = z.infer<typeof MatrixEventId>;
