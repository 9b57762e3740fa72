import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { handleRequest, type SlotContext } from './handle-request.ts';
import { dialectOf, errorBody, type Refusal } from './refusal.ts';

/** What the parser refuses before there is a request, by its error's code. */
const parserRefusals: Readonly<Record<string, Refusal>> = {
  HPE_HEADER_OVERFLOW: { status: 431, reason: 'the headers are too large' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, reason: 'the request took too long to arrive' },
};
const malformed: Refusal = { status: 400, reason: 'the request is not well-formed HTTP/1.1' };
const noTunnel: Refusal = { status: 403, reason: 'there are no tunnels here' };

/**
 * The HTTP server of one slot, not yet listening: the strict parser, one request per connection, everything bounded. A second
 * request on a connection is not served, so whatever two parsers might disagree about in one stream of bytes leads nowhere.
 */
export function createSlotServer(context: SlotContext): Server {
  const { limits, log } = context;
  const served = new WeakMap<Duplex, IncomingMessage>();
  const serve = (request: IncomingMessage, response: ServerResponse) => {
    served.set(request.socket, request);
    void handleRequest(context, request, response);
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
    serve,
  );
  server.maxConnections = limits.connections;
  server.maxRequestsPerSocket = 1;
  server.timeout = 0;
  // Both would be answered by Node before the policy sees them; the policy refuses the header they have in common.
  server.on('checkContinue', serve);
  server.on('checkExpectation', serve);
  server.on('connect', (request, socket) => {
    log.refused(request.method ?? '', request.url ?? '', noTunnel);
    endSocket(socket, noTunnel);
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
    const refusal = parserRefusals[error.code ?? ''] ?? malformed;
    log.refused('', '', refusal);
    // What follows a whole request is not answered: its words would stand in the middle of the answer to that request.
    if (served.get(socket)?.complete) socket.destroy();
    else endSocket(socket, refusal);
  });
  return server;
}

function endSocket(socket: Duplex, refusal: Refusal): void {
  const body = errorBody(refusal, dialectOf('/'));
  socket.on('error', () => undefined);
  socket.end(
    `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status] ?? ''}\r\nconnection: close\r\n` +
      `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}
