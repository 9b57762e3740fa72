/** Contents of room events, as clients write them. */
export type Content = Readonly<Record<string, unknown>>;

export function text(body: string, more: Content = {}): Content {
  return { msgtype: 'm.text', body, ...more };
}

/** @param quote what an older client puts before the answer; nobody vouches for it */
export function replyTo(event: string, body: string, quote = ''): Content {
  return text(`${quote}${body}`, { 'm.relates_to': { 'm.in_reply_to': { event_id: event } } });
}

/** A message in the thread that begins with `root`. @param answers another message, of which this is a reply */
export function inThread(root: string, body: string, answers?: string): Content {
  const reply = answers === undefined ? { 'm.in_reply_to': { event_id: root }, is_falling_back: true } : {};
  const answered = answers === undefined ? {} : { 'm.in_reply_to': { event_id: answers }, is_falling_back: false };
  return text(body, { 'm.relates_to': { rel_type: 'm.thread', event_id: root, ...reply, ...answered } });
}

export function editOf(event: string, body: string): Content {
  return text(`* ${body}`, {
    'm.new_content': text(body),
    'm.relates_to': { rel_type: 'm.replace', event_id: event },
  });
}

export function reaction(event: string, key: string): Content {
  return { 'm.relates_to': { rel_type: 'm.annotation', event_id: event, key } };
}

/** The task that a message asks for an approval of, by the facts that it shows; null when it is no such message. */
export function requestedTask(content: Content): string | null {
  const body = String(content['body']);
  const isRequest =
    /^digest: [0-9a-f]{8}$/m.test(body) && body.includes('Approval required') && content['m.relates_to'] === undefined;
  return isRequest ? (/^task: (\S+)$/m.exec(body)?.[1] ?? null) : null;
}
