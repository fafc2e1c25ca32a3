/** Shows what the service tells, and opens the page it is about. Nothing is kept. */

self.addEventListener("push", (event) => {
  const { id, title, body, path, photo } = event.data.json();
  // One that comes twice replaces itself.
  event.waitUntil(self.registration.showNotification(title, { body, tag: id, image: photo, data: { path } }));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const address = new URL(event.notification.data.path, location.origin).href;
  event.waitUntil(
    (async () => {
      const open = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
      const there = open.find(({ url }) => url === address);
      await (there ? there.focus() : self.clients.openWindow(address));
    })(),
  );
});
