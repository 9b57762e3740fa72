import { MatrixRoomId } from '@countersign/contracts/matrix-names.ts';

/** A segment that names something, as `encodeURIComponent` or the letter of the URL standard writes it. */
const encodedSegment = /^(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2}){1,765}$/;

const transaction = /^[A-Za-z0-9_-]{1,128}$/;
/** A name or address of a server, as Matrix has it, but for IPv6, which no tailnet needs in a name. */
const server = /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,253}[A-Za-z0-9])?(?::\d{1,5})?$/;
const media = /^[A-Za-z0-9_-]{1,255}$/;

/** What may stand where, decoded and checked; null is refused. */
const variables: Readonly<Record<string, (segment: string) => string | null>> = {
  '{roomId}': readRoom,
  '{txnId}': (segment) => (transaction.test(segment) ? segment : null),
  '{serverName}': readServer,
  '{mediaId}': (segment) => (media.test(segment) ? segment : null),
};

/**
 * The path to send on when `path` is one of `template`: compared segment by segment, undecoded, with nothing normalised. What
 * varies is decoded once, checked, and written anew. Null when it is not.
 */
export function matchPath(template: string, path: string): string | null {
  const wanted = template.split('/');
  const found = path.split('/');
  if (found.length !== wanted.length) return null;
  const written: string[] = [];
  for (const [index, part] of wanted.entries()) {
    const segment = found[index] ?? '';
    const read = variables[part];
    const value = read === undefined ? (segment === part ? segment : null) : read(segment);
    if (value === null) return null;
    written.push(read === undefined ? value : encodeURIComponent(value));
  }
  return written.join('/');
}

function readServer(segment: string): string | null {
  const name = segment.replace(/%3A/gi, ':');
  return server.test(name) && !name.includes('..') ? name : null;
}

function readRoom(segment: string): string | null {
  if (!encodedSegment.test(segment)) return null;
  try {
    const room = decodeURIComponent(segment);
    // A room id may hold a slash, which some server on the way would take for the end of the segment.
    return MatrixRoomId.safeParse(room).success && !room.includes('/') ? room : null;
  } catch {
    return null;
  }
}
