/** What a script adds to a visitor's pass and to a guest's stay: it opens without a network, stands on the home screen, and says by itself when it is over. */

const over = document.querySelector("[data-over-at]");
if (over) {
  const look = () => {
    const isOver = Date.now() >= Number(over.dataset.overAt);
    over.hidden = !isOver;
    document.getElementById("code").hidden = isOver;
  };
  look();
  setInterval(look, 15_000);
}

// The signed code is good for a day at most. It is asked for anew in good time, and when it is over the short one takes its place.
const signed = document.querySelector("[data-signed-until]");
if (signed) {
  const againMs = 10 * 60_000;
  const until = Number(signed.dataset.signedUntil);
  const renewAt = Number(signed.dataset.renewAt ?? Number.POSITIVE_INFINITY);
  const loadedAt = Date.now();
  const look = () => {
    signed.hidden = Date.now() >= until;
    if (signed.hidden) document.getElementById("short-code").open = true;
    const isDue = Date.now() >= renewAt && Date.now() - loadedAt >= againMs;
    if (isDue && navigator.onLine) location.reload();
  };
  look();
  setInterval(look, 15_000);
  addEventListener("online", look);
}

// What became of a press has been read by then; the page itself is what is kept.
if (location.search !== "") history.replaceState(null, "", location.pathname);

if (navigator.serviceWorker) {
  navigator.serviceWorker.addEventListener("message", () => {
    document.getElementById("kept").hidden = false;
  });
  const { worker, scope } = document.querySelector("[data-worker]").dataset;
  await navigator.serviceWorker.register(worker, { scope });
  const { active } = await navigator.serviceWorker.ready;
  const loaded = [...document.querySelectorAll("link[href^='/'], script[src^='/']")];
  active.postMessage({
    keep: [location.pathname, ...loaded.map((one) => one.getAttribute("href") ?? one.getAttribute("src"))],
  });
}

// Some browsers ask by themselves, some by a press; on others the text beside the button says how.
const install = document.getElementById("install");
addEventListener("beforeinstallprompt", (event) => {
  event.preventDefault();
  install.hidden = false;
  install.addEventListener("click", () => event.prompt(), { once: true });
});
