import { answerKey, type RoomEvent, roomUsers, taskRoom } from '@countersign/contracts/task-room.ts';

/** The event id of a question; that of its answer has a letter behind it. */
export function eventIdOf(event: RoomEvent): string {
  return event.kind === 'question' ? `$${event.id}` : `$${event.question}-a`;
}

/** What `/sync` answers: the room's events since a position, as Matrix spells them, and the position behind them. */
export function syncAnswer(events: readonly RoomEvent[], since: number): string {
  const fresh = events.slice(since).map(matrixEvent);
  const timeline = { events: fresh, limited: false, prev_batch: `s${since}` };
  return JSON.stringify({
    next_batch: `s${since + fresh.length}`,
    rooms: { join: fresh.length === 0 ? {} : { [taskRoom]: { timeline } } },
  });
}

function matrixEvent(event: RoomEvent): object {
  const common = {
    type: 'm.room.message',
    event_id: eventIdOf(event),
    room_id: taskRoom,
    origin_server_ts: Date.parse(event.at),
  };
  if (event.kind === 'question')
    return {
      ...common,
      sender: roomUsers.tool,
      content: { msgtype: 'm.text', body: event.text },
      unsigned: { transaction_id: event.transaction },
    };
  const question = `$${event.question}`;
  return {
    ...common,
    sender: roomUsers.operator,
    content: {
      msgtype: event.outcome === 'answered' ? 'm.text' : 'm.notice',
      body: event.text ?? '',
      'm.relates_to': { 'm.in_reply_to': { event_id: question } },
      [answerKey]: { question, outcome: event.outcome },
    },
  };
}
