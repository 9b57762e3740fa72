import { headField, PostedHead } from '@countersign/contracts/journal-head.ts';
import { z } from 'zod';
import { CliError } from '../failure.ts';

/** How far a journal had come, as a message of the room says, and which message that is. */
export type RoomHead = PostedHead & { readonly said: string };

/** Of each journal, what the room was told of it. */
export type RoomHeads = ReadonlyMap<string, readonly RoomHead[]>;

/** As Element writes a room to a file, and as a homeserver answers when it is asked for the messages of one. */
const Room = z.union([z.object({ messages: z.array(z.unknown()) }), z.object({ chunk: z.array(z.unknown()) })]);
const Message = z.object({ event_id: z.string(), sender: z.string(), content: z.object({ [headField]: PostedHead }) });

/**
 * Finds what the room was told of the journals among the messages that a client wrote to a file. Others than the bot's are not left
 * out: who said it is told with what does not fit.
 * @throws CliError `refused` when it is no such file, or says nothing of any journal
 */
export function readRoomHeads(bytes: Uint8Array): RoomHeads {
  const heads = messagesOf(bytes).flatMap((message): RoomHead[] => {
    const read = Message.safeParse(message);
    if (!read.success) return [];
    const { event_id: event, sender, content } = read.data;
    return [{ ...content[headField], said: `${sender} in ${event}` }];
  });
  if (heads.length === 0)
    throw new CliError('refused', 'no message in the file says how far a journal had come: is it this room, as JSON?');
  return Map.groupBy(heads, ({ journal }) => journal);
}

function messagesOf(bytes: Uint8Array): readonly unknown[] {
  try {
    const room = Room.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
    return 'messages' in room ? room.messages : room.chunk;
  } catch (cause) {
    const what = 'the file is not a room as a client writes it to JSON: in Element, "Export chat" with the format JSON';
    throw new CliError('refused', what, { cause });
  }
}
