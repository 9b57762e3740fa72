import { request } from 'node:http';
import { Readable } from 'node:stream';

/** `fetch` over the gateway's door, a unix socket, as far as it is needed here: redirects are the gateway's to refuse. */
export function doorFetch(socketPath: string): typeof globalThis.fetch {
  return (resource, init) =>
    new Promise((resolve, reject) => {
      const { pathname, search } = new URL(resource instanceof Request ? resource.url : resource);
      const sent = request(
        {
          socketPath,
          agent: false,
          method: init?.method ?? 'GET',
          path: pathname + search,
          headers: Object.fromEntries(new Headers(init?.headers)),
          ...(init?.signal ? { signal: init.signal } : {}),
        },
        (answer) => {
          try {
            resolve(new Response(Readable.toWeb(answer) as ReadableStream, { status: answer.statusCode ?? 502 }));
          } catch (error) {
            // A status that is none, or one with which nothing is to come.
            answer.destroy();
            reject(error);
          }
        },
      );
      sent.on('error', reject);
      sent.end(typeof init?.body === 'string' ? init.body : undefined);
    });
}
