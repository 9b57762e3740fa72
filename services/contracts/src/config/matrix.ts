import { z } from 'zod';
import { MatrixRoomId, MatrixUserId } from '../matrix-names.ts';

/** What goes into a header as it is. */
const AccessToken = z
  .string()
  .max(4_096)
  .regex(/^[\x21-\x7e]+$/, 'an access token has no spaces');

/** `secrets/matrix-listener/matrix-bot.env`: whom the listener speaks as, and the one room that it listens to. */
export const MatrixBotEnv = z.strictObject({
  MATRIX_BOT_USER: MatrixUserId,
  MATRIX_BOT_TOKEN: AccessToken,
  MATRIX_ROOM_ID: MatrixRoomId,
});
export type MatrixBotEnv = z.infer<typeof MatrixBotEnv>;

/** `secrets/enrol/operator.env`: how the operator logs in at the stack's own homeserver. */
export const MatrixOperatorEnv = z.strictObject({
  /** As this host sees it. */
  MATRIX_HOMESERVER: z.url({ protocol: /^https?$/ }),
  MATRIX_USER: MatrixUserId,
  MATRIX_PASSWORD: z.string().min(1),
  MATRIX_ROOM_ID: MatrixRoomId,
});
export type MatrixOperatorEnv = z.infer<typeof MatrixOperatorEnv>;
