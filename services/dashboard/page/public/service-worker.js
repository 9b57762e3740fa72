/**
 * Keeps the page's own built files, whose names carry their digests, and nothing else: never the page itself, and never an answer of
 * `/api/`, for what was shown to one session is not for the next.
 */
const cacheName = 'assets-1';
const kept = 80;

addEventListener('install', () => skipWaiting());
addEventListener('activate', (event) => event.waitUntil(clients.claim()));

addEventListener('fetch', (event) => {
  const { pathname, origin, search } = new URL(event.request.url);
  const hashed = /^\/assets\/[\w.-]+-[\w-]{8}\.(?:js|css)$/.test(pathname);
  if (event.request.method !== 'GET' || origin !== location.origin || search !== '' || !hashed) return;
  event.respondWith(fromCache(event.request));
});

async function fromCache(request) {
  const cache = await caches.open(cacheName);
  const found = await cache.match(request);
  if (found !== undefined) return found;
  const answer = await fetch(request);
  if (answer.ok && answer.type === 'basic') {
    await cache.put(request, answer.clone());
    const keys = await cache.keys();
    await Promise.all(keys.slice(0, Math.max(0, keys.length - kept)).map((key) => cache.delete(key)));
  }
  return answer;
}
