/**
 * Keeps the guard's page openable when the gateway cannot be reached: its scripts, styles and one page that says so. No verdict, no visitor and
 * no photo is ever kept here. `self.shell` stands above this text: what is kept, and under which version.
 */
const { version, page, assets } = self.shell;
const answerMs = 10_000;
const name = `postern-guard-${version}`;

self.addEventListener("install", (event) => {
  event.waitUntil(
    caches
      .open(name)
      .then((cache) => cache.addAll([page, ...assets]))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) =>
        Promise.all(
          names.filter((one) => one !== name && one.startsWith("postern-guard-")).map((one) => caches.delete(one)),
        ),
      )
      .then(() => self.clients.claim()),
  );
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { pathname } = new URL(request.url);
  if (assets.includes(pathname)) event.respondWith(caches.match(pathname).then((found) => found ?? fetch(request)));
  else if (request.mode === "navigate" && request.method === "GET") event.respondWith(pageOrShell(request));
});

/** A line that is there and brings nothing is no line. */
async function pageOrShell(request) {
  const late = new Promise((_, reject) => setTimeout(() => reject(new Error("no answer")), answerMs));
  try {
    return await Promise.race([fetch(request), late]);
  } catch {
    return caches.match(page);
  }
}
