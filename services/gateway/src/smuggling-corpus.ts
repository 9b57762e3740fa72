/** Where requests of a socket go that are let through: the material that attacks are made of. */
export type Ground = {
  /** A request with a body: `POST /api/show`. */
  readonly post: string;
  readonly body: string;
  /** A request without one, on the same socket. */
  readonly get: string;
  /** What an attacker wants to get through. */
  readonly hidden: string;
};

/** A request as it should be, with these header lines and this payload. */
export function requestWith({ post }: Ground, headers: string, payload: string): string {
  return `${post} HTTP/1.1\r\nhost: x\r\n${headers}\r\n\r\n${payload}`;
}

export function goodRequest(ground: Ground): string {
  return requestWith(ground, `content-length: ${ground.body.length}`, ground.body);
}

export function chunkedBody({ body }: Ground): string {
  return `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
}

/** Streams of bytes that two parsers might cut differently, or that ask for something else than HTTP/1.1; none leads anywhere. */
export function hostileStreams(ground: Ground): readonly (readonly [string, string])[] {
  const { body, get, hidden } = ground;
  const { length } = body;
  const [, path = ''] = ground.post.split(' ');
  const good = goodRequest(ground);
  const chunked = chunkedBody(ground);
  const post = (headers: string, payload: string) => requestWith(ground, headers, payload);
  return [
    ['two content lengths', post(`content-length: ${length}\r\ncontent-length: 0`, body + hidden)],
    ['two equal content lengths', post(`content-length: ${length}\r\ncontent-length: ${length}`, body)],
    ['two content lengths in two cases', post(`Content-Length: ${length}\r\ncONTENT-lENGTH: 1`, body)],
    ['content lengths in a list', post(`content-length: ${length}, ${length}`, body)],
    ['CL.TE', post(`content-length: ${length}\r\ntransfer-encoding: chunked`, chunked + hidden)],
    ['TE.CL', post(`transfer-encoding: chunked\r\ncontent-length: 4`, chunked + hidden)],
    ['TE.TE', post('transfer-encoding: chunked\r\ntransfer-encoding: identity', chunked)],
    ['a misspelt TE', post(`transfer-encoding: xchunked`, chunked)],
    ['a TE that does not end in chunked', post('transfer-encoding: chunked, identity', chunked)],
    ['a signed content length', post(`content-length: +${length}`, body)],
    ['a hexadecimal content length', post(`content-length: 0x${length.toString(16)}`, body)],
    ['a negative content length', post('content-length: -1', body)],
    ['an empty content length', post('content-length:', body)],
    ['a blank before the colon', post(`content-length : ${length}`, body)],
    ['a folded header', post(`x: a\r\n b\r\ncontent-length: ${length}`, body)],
    ['a folded TE', post('transfer-encoding:\r\n chunked', chunked)],
    ['bare line feeds', good.replaceAll('\r\n', '\n')],
    ['a bare carriage return', good.replace('host: x\r\n', 'host: x\rtransfer-encoding: chunked\r\n')],
    ['a NUL in a header', post(`x: a\0b\r\ncontent-length: ${length}`, body)],
    ['a bad name of a header', post(`x(y: a\r\ncontent-length: ${length}`, body)],
    ['a chunk size that is none', post('transfer-encoding: chunked', 'zz\r\n{}\r\n0\r\n\r\n')],
    ['a chunk without its end', post('transfer-encoding: chunked', `${length.toString(16)}\r\n${body}XX0\r\n\r\n`)],
    ['a huge chunk size', post('transfer-encoding: chunked', `fffffffffffffffff\r\n${body}\r\n0\r\n\r\n`)],
    ['a blank before the request', ` ${good}`],
    ['a target with a blank', good.replace(path, `${path} /evil`)],
    ['no host', good.replace('host: x\r\n', '')],
    ['HTTP/1.0', good.replace('HTTP/1.1', 'HTTP/1.0')],
    ['HTTP/0.9', `${get}\r\n\r\n`],
    ['HTTP/2 at once', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['a body in a listing', `${get} HTTP/1.1\r\nhost: x\r\ncontent-length: ${hidden.length}\r\n\r\n${hidden}`],
    ['headers that are too large', post(`x: ${'a'.repeat(9_000)}\r\ncontent-length: ${length}`, body)],
    ['a flood of chunk extensions', post('transfer-encoding: chunked', `1;${'a'.repeat(20_000)}\r\n{\r\n0\r\n\r\n`)],
    ['a CONNECT', 'CONNECT evil:443 HTTP/1.1\r\nhost: evil:443\r\n\r\n'],
    ['a CONNECT to an allowed place', `CONNECT 127.0.0.1:11434 HTTP/1.1\r\nhost: x\r\n\r\n${good}`],
    ['an upgrade', post(`connection: upgrade\r\nupgrade: websocket\r\ncontent-length: ${length}`, body)],
    ['an upgrade of a listing', `${get} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n`],
    ['an expectation', post(`expect: 100-continue\r\ncontent-length: ${length}`, body)],
    ['an expectation that is unknown', post(`expect: 200-ok\r\ncontent-length: ${length}`, body)],
    ['an absolute target', good.replace(path, `http://evil${path}`)],
    ['an encoded body', post(`content-encoding: gzip\r\ncontent-length: ${length}`, body)],
    ['a TLS hello', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
    ['a SOCKS hello', '\x05\x01\x00'],
  ];
}

/** More than one request in a stream: the first goes on, once, and nothing else does. */
export function crowdedStreams(ground: Ground): readonly (readonly [string, string])[] {
  const { hidden } = ground;
  const good = goodRequest(ground);
  return [
    ['a hidden one behind a body', good + hidden],
    ['a good one behind a good one', good + good],
    [
      'a hidden one behind the last chunk',
      requestWith(ground, 'transfer-encoding: chunked', chunkedBody(ground)) + hidden,
    ],
    ['asked to keep the connection', good.replace('host: x', 'host: x\r\nconnection: keep-alive') + good],
    ['fifty', good.repeat(50)],
  ];
}

/** Requests that do not come to an end. */
export function slowStreams(ground: Ground): readonly (readonly [string, string])[] {
  return [
    ['in its headers', `${ground.post} HTTP/1.1\r\nhost:`],
    ['in its body', requestWith(ground, `content-length: ${ground.body.length}`, '{')],
    ['between chunks', requestWith(ground, 'transfer-encoding: chunked', '1\r\n{\r\n')],
  ];
}
