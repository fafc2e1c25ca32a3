/** Shows what the service tells, opens the page it is about, and sends what was answered on the notice itself. Nothing is kept. */

const answerMs = 10_000;

self.addEventListener("push", (event) => {
  const { id, title, body, path, photo, answers = [] } = event.data.json();
  // One that comes twice replaces itself; a question stays until it is answered.
  const shown = {
    body,
    tag: id,
    image: photo,
    actions: answers,
    requireInteraction: answers.length > 0,
    data: { path },
  };
  event.waitUntil(self.registration.showNotification(title, shown));
});

self.addEventListener("notificationclick", (event) => {
  const { notification, action } = event;
  notification.close();
  event.waitUntil(action ? answer(notification, action) : open(notification));
});

async function open({ data }) {
  const address = new URL(data.path, location.origin).href;
  const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const there = windows.find(({ url }) => url === address);
  await (there ? there.focus() : self.clients.openWindow(address));
}

/** As the page's form would send it. What became of it is told where the question was; without an answer the page is opened. */
async function answer(notification, action) {
  const { title, tag, data } = notification;
  try {
    const response = await fetch(data.path, {
      method: "POST",
      headers: { accept: "application/json" },
      body: new URLSearchParams({ answer: action }),
      signal: AbortSignal.timeout(answerMs),
    });
    if (!response.ok) throw new Error(`answered ${response.status}`);
    const { body } = await response.json();
    await self.registration.showNotification(title, { body, tag, data });
  } catch {
    await open(notification);
  }
}
