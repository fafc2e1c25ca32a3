/** What a script adds to pages that work without it: copying, and what only the browser knows. */

// A link's token stands behind the "#", so that no server and no log ever sees the address with it.
for (const input of document.querySelectorAll("input[data-from-fragment]")) {
  const token = location.hash.slice(1);
  if (token === "") continue;
  input.value = token;
  input.closest(".field").hidden = true;
  history.replaceState(null, "", location.pathname + location.search);
}

for (const input of document.querySelectorAll("input[data-own-zone]"))
  input.value ||= Intl.DateTimeFormat().resolvedOptions().timeZone;

// A second press within a moment would send a form twice, and show the answer to the second.
const pressMs = 3_000;
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
  setTimeout(() => {
    delete form.dataset.sent;
  }, pressMs);
});

if (navigator.clipboard)
  for (const button of document.querySelectorAll("button[data-copy]")) {
    const before = button.textContent;
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
      button.textContent = button.dataset.copied;
      setTimeout(() => {
        button.textContent = before;
      }, 2_000);
    });
  }

if (navigator.share)
  for (const button of document.querySelectorAll("button[data-share]")) {
    button.hidden = false;
    // Whoever thinks better of it has done nothing wrong.
    button.addEventListener("click", () => navigator.share({ text: button.dataset.share }).catch(() => undefined));
  }

for (const button of document.querySelectorAll("button[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}
