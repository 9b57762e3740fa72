import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Limits } from './limits.ts';
import type { Refusal } from './refusal.ts';

export type StrictServerOptions = {
  readonly limits: Limits;
  /** Serves one request; never rejects. */
  readonly serve: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  /** Told of what is refused before there is a request to serve; what is not known of it is empty. */
  readonly refused: (method: string, target: string, refusal: Refusal) => void;
  /** JSON in the shape that the client understands. */
  readonly errorBody: (refusal: Refusal) => string;
};

/** What the parser refuses before there is a request, by its error's code. */
const parserRefusals: Readonly<Record<string, Refusal>> = {
  HPE_HEADER_OVERFLOW: { status: 431, reason: 'the headers are too large' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, reason: 'the request took too long to arrive' },
};
const malformed: Refusal = { status: 400, reason: 'the request is not well-formed HTTP/1.1' };
const noTunnel: Refusal = { status: 403, reason: 'there are no tunnels here' };

/**
 * The HTTP server of one socket, not yet listening: the strict parser, one request per connection, everything bounded. A second
 * request on a connection is not served, so whatever two parsers might disagree about in one stream of bytes leads nowhere.
 */
export function createStrictServer({ limits, serve, refused, errorBody }: StrictServerOptions): Server {
  const served = new WeakMap<Duplex, IncomingMessage>();
  const accept = (request: IncomingMessage, response: ServerResponse) => {
    served.set(request.socket, request);
    void serve(request, response);
  };
  const server = createServer(
    {
      insecureHTTPParser: false,
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      connectionsCheckingInterval: limits.requestCheckMs,
      keepAliveTimeout: 1,
    },
    accept,
  );
  server.maxConnections = limits.connections;
  server.maxRequestsPerSocket = 1;
  server.timeout = 0;
  // Both would be answered by Node before the policy sees them; the policy refuses the header they have in common.
  server.on('checkContinue', accept);
  server.on('checkExpectation', accept);
  server.on('connect', (request, socket) => {
    refused(request.method ?? '', request.url ?? '', noTunnel);
    endSocket(socket, noTunnel.status, errorBody(noTunnel));
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
    const refusal = parserRefusals[error.code ?? ''] ?? malformed;
    refused('', '', refusal);
    // What follows a whole request is not answered: its words would stand in the middle of the answer to that request.
    if (served.get(socket)?.complete) socket.destroy();
    else endSocket(socket, refusal.status, errorBody(refusal));
  });
  return server;
}

function endSocket(socket: Duplex, status: number, body: string): void {
  socket.on('error', () => undefined);
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nconnection: close\r\n` +
      `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}
