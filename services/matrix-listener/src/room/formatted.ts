const entities: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#39;': "'",
  '&nbsp;': ' ',
};

/** What shows words as struck out, quoted or hidden: not as what the sender says. */
const turning = /<(?:del|s|strike|blockquote|details)\b|data-mx-spoiler/i;

/**
 * Whether the HTML of a message says the same as its text, apart from marks like bold. The sender's own client shows the one,
 * and a command is read from the other. Pure.
 * @param body without the quote of what is answered
 * @param isReply only then a client hides the quote that the HTML begins with
 */
export function saysTheSame(body: string, formatted: unknown, isReply: boolean): boolean {
  if (formatted === undefined) return true;
  if (typeof formatted !== 'string') return false;
  const own = isReply ? formatted.replace(/^\s*<mx-reply>[\s\S]*?<\/mx-reply>/, '') : formatted;
  if (turning.test(own)) return false;
  const text = own
    .replace(/<[^<>]*>/g, '')
    .replace(/&(?:amp|lt|gt|quot|#39|nbsp);/g, (entity) => entities[entity] ?? entity);
  return bare(text) === bare(body);
}

/** Without the marks that a client turns into HTML, and without what they do to spaces. */
function bare(text: string): string {
  return text.replace(/[*_`~\s]+/g, '');
}
