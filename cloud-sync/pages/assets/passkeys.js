/** Passkeys: the browser's own dialogue between the service's question and its answer. Without it the buttons stay hidden. */

async function ask(path, body) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.detail);
  return answer;
}

async function signIn(form) {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(await ask("/auth/passkey/options"));
  const credential = await navigator.credentials.get({ publicKey });
  await ask("/auth/passkey", { credential: credential.toJSON(), by: "cookie" });
  if (!form.elements.kept) return location.assign(form.dataset.next);
  // A form that came along is sent on from a page of its own.
  form.method = "post";
  form.action = "/sign-in/kept";
  form.submit();
}

async function add(form) {
  const { name, password } = Object.fromEntries(new FormData(form));
  const options = await ask("/api/me/passkeys/options", { password });
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  const credential = await navigator.credentials.create({ publicKey });
  await ask("/api/me/passkeys", { name, credential: credential.toJSON() });
  location.assign("/account?done=passkey");
}

if (window.PublicKeyCredential?.parseCreationOptionsFromJSON)
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    const failed = form.querySelector("[role=alert]");
    form.hidden = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      failed.textContent = "";
      try {
        await (form.dataset.passkey === "add" ? add(form) : signIn(form));
      } catch {
        failed.textContent = form.dataset.failed;
      }
    });
  }
