import type { IncomingHttpHeaders } from 'node:http';

export type RequestHead = {
  readonly method: string;
  /** The request target as it was sent, undecoded. */
  readonly target: string;
  readonly httpVersion: string;
  readonly headers: IncomingHttpHeaders;
};

/** Headers that change what a request is; a plain client needs none of them. */
const refusedHeaders = ['upgrade', 'expect', 'trailer', 'content-encoding', 'http2-settings'] as const;

/** Why a request is not looked at any further, wherever it wants to go; or null. */
export function refuseHead(head: RequestHead): string | null {
  if (head.httpVersion !== '1.1') return 'only HTTP/1.1 is spoken here';
  const header = refusedHeaders.find((name) => head.headers[name] !== undefined);
  return header === undefined ? null : `a request with the header ${header} is not forwarded`;
}

export function announcesBody(headers: IncomingHttpHeaders): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
}
