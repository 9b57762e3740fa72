/** The content of an `m.reaction`. */
export type ReactionContent = {
  readonly 'm.relates_to': { readonly rel_type: 'm.annotation'; readonly event_id: string; readonly key: string };
};

/** The content of an `m.room.message`, by the Matrix specification's own keys. */
export type MessageContent = {
  /** A client rings for `m.text` and shows `m.notice` silently. */
  readonly msgtype: 'm.text' | 'm.notice';
  readonly body: string;
  readonly format?: 'org.matrix.custom.html';
  readonly formatted_body?: string;
  /** Always there: no name and no @room in a text of somebody else's calls anybody. Holds only whom we mean to call. */
  readonly 'm.mentions': { readonly user_ids?: string[] };
  readonly 'm.relates_to'?: {
    readonly rel_type?: 'm.thread';
    readonly event_id?: string;
    /** The answer is only for clients that know no threads; absent where it is one. */
    readonly is_falling_back?: true;
    readonly 'm.in_reply_to': { readonly event_id: string };
  };
};

/** The content of an `m.room.message` that takes the place of what an earlier one says. */
export type EditContent = Omit<MessageContent, 'm.relates_to'> & {
  readonly 'm.new_content': Omit<MessageContent, 'm.relates_to'>;
  readonly 'm.relates_to': { readonly rel_type: 'm.replace'; readonly event_id: string };
};

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** A text as HTML that shows it, in an element or an attribute. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? character);
}

/** The bytes of a value in JSON. */
export function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

/** Cuts a text to so many code points; what is cut is marked with an ellipsis. */
export function cut(text: string, characters: number): string {
  if (text.length <= characters) return text;
  const all = [...text];
  return all.length <= characters ? text : `${all.slice(0, characters - 1).join('')}…`;
}
