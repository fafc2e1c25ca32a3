/** Keeps a visitor's own pass, or a guest's stay, on the phone: at the door there may be no reception. Nothing else of the service is kept. */

const kept = "guest-pass";
/** "/v/" or "/s/". */
const scope = new URL(self.registration.scope).pathname;
/** The oldest go first. */
const most = 40;
/** A line that is there and carries nothing is given up, and the kept page shown. */
const patienceMs = 4_000;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

// The page was loaded before this worker was there: it says what it is made of.
self.addEventListener("message", (event) => {
  const { keep } = event.data;
  event.waitUntil(
    (async () => {
      for (const path of keep) {
        const known = await (await caches.open(kept)).match(path);
        if (!known) await keepAnswer(path, await fetch(path));
      }
      event.source.postMessage("kept");
    })(),
  );
});

self.addEventListener("fetch", (event) => {
  const { method, url } = event.request;
  const { origin, pathname } = new URL(url);
  if (method !== "GET" || origin !== location.origin) return;
  if (pathname.startsWith("/assets/")) event.respondWith(fromPhone(event.request));
  else if (pathname.startsWith(scope)) event.respondWith(fromService(event.request));
});

/** Its address holds a hash of the content. */
async function fromPhone(request) {
  return (await caches.match(request.url, { cacheName: kept })) ?? fetch(request);
}

/** The newest there is: a pass may have been withdrawn, a code changed. */
async function fromService(request) {
  const { pathname, search } = new URL(request.url);
  const known = await caches.match(pathname, { cacheName: kept });
  const line = new AbortController();
  const timer = known && setTimeout(() => line.abort(), patienceMs);
  try {
    const answer = await fetch(request, { signal: line.signal });
    // What follows a press is of that moment.
    if (search === "") await keepAnswer(pathname, answer.clone());
    return answer.status >= 500 && known ? known : answer;
  } catch (error) {
    if (known) return known;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

async function keepAnswer(path, answer) {
  const cache = await caches.open(kept);
  if (answer.ok) await cache.put(path, answer);
  else if (answer.status === 404) await cache.delete(path);
  const all = await cache.keys();
  for (const old of all.slice(0, Math.max(0, all.length - most))) await cache.delete(old);
}
