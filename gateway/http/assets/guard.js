/**
 * What a script adds to the guard's pages, which work without it: forms are sent without leaving the page and sent again until they are
 * answered, the verdict is told by sound, the camera scans, a scanner that types is heard wherever the focus is.
 */
import { scan, stopCamera, toggleTorch } from "./guard-camera.js";
import { preparePhoto, resumePhoto, takenPhoto } from "./guard-photo.js";
import { tellWhere } from "./guard-position.js";
import { dropKept, fetchPage, giveUp, keptSending, send, sendKept } from "./guard-sending.js";
import { tell } from "./guard-tones.js";

const content = document.getElementById("content");
const guard = () => content.querySelector("[data-guard]")?.dataset.guard;
const when = (name) => content.querySelector(`[data-when="${name}"]`);
const show = (name, isShown = true) => {
  const part = when(name);
  if (part) part.hidden = !isShown;
};

/** Puts a page's content in the place of this one's. A page of another part of the gateway is gone to. */
async function become(response, isNew = true) {
  const path = new URL(response.url).pathname;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const other = page.getElementById("content");
  if (!other?.querySelector(".line") && response.ok) return location.assign(response.url);
  content.replaceChildren(...other.childNodes);
  document.title = page.title;
  document.documentElement.lang = page.documentElement.lang;
  if (isNew && path !== "/guard/enter") history.pushState(null, "", response.url);
  begin();
}

/** Makes what this content holds work. */
function begin() {
  const verdict = content.querySelector("[data-tone]");
  if (verdict) {
    verdict.querySelector("h2").focus();
    tell(verdict.dataset.tone, (isMuted) => show("muted", isMuted));
  }
  const scanner = content.querySelector("[data-scanner]");
  const form = content.querySelector("[data-scan]");
  const photo = content.querySelector("[data-photo]");
  if (form?.elements.lat) tellWhere(form);
  if (scanner)
    scan(scanner, {
      found: (code) => {
        form.elements.uid.value = code;
        form.requestSubmit();
      },
      // With a camera the field stays without focus: a phone's keyboard would cover what the camera shows.
      refused: (why) => {
        show(`camera-${why}`);
        form.elements.uid.focus();
      },
    });
  if (photo) preparePhoto(photo);
  if (!scanner && !photo) stopCamera();
  if (content.querySelector("[data-shell]")) awaitGateway();
  const waiting = content.querySelector("[data-waits]");
  if (waiting) awaitAnswer(waiting);
}

const answerMs = 15_000;
const againMs = 2_000;

/** A host was asked: the gateway holds the request until there is an answer, and the page becomes what that says. */
async function awaitAnswer(part) {
  while (part.isConnected) {
    const ask = { headers: { accept: "text/html" }, signal: AbortSignal.timeout(answerMs) };
    const response = await fetch(part.dataset.waits, ask).catch(() => undefined);
    if (part.isConnected && !isSending && response && response.status !== 204 && response.status < 500)
      return become(response, false);
    if (response?.status !== 204) await new Promise((resolve) => setTimeout(resolve, againMs));
  }
}

async function submit(form, submitter) {
  // A press that asks somebody else lets nobody in: it needs no photo, and is worth nothing later.
  const asks = submitter?.getAttribute("formaction");
  const photo = asks ? null : form.querySelector("[data-photo]");
  const picture = photo ? await takenPhoto(photo) : undefined;
  if (photo?.dataset.photo === "required" && !picture) {
    show("photo-needed");
    photo.querySelector("button, input").focus();
    return;
  }
  const fields = [...new FormData(form, submitter)].filter(([, value]) => typeof value === "string");
  const about = asks ? undefined : form.dataset.keep;
  for (const button of content.querySelectorAll("button"))
    button.setAttribute("aria-busy", String(button === submitter));
  const sending = {
    path: asks ?? form.getAttribute("action"),
    fields,
    picture,
    mustHavePicture: photo?.dataset.photo === "required",
  };
  await answered(about === undefined ? send(sending, wait) : send({ ...sending, about, by: guard() }, wait));
  for (const button of content.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
}

/** Shows the answer, when one came; undefined: the guard gave up. */
async function answered(promise) {
  const response = await promise;
  show("sending", false);
  if (response) await become(response);
  else if (content.querySelector("[data-scanner]")) begin();
}

/** While there is no answer. */
function wait() {
  show("sending");
}

async function visit(address, isNew = true) {
  await answered(fetchPage(address, () => show("unreachable")).then((response) => (isNew ? response : stay(response))));
}

async function stay(response) {
  show("unreachable", false);
  await become(response, false);
}

let isSending = false;
async function once(work) {
  if (isSending) return;
  isSending = true;
  try {
    await work();
  } finally {
    isSending = false;
  }
}

document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-send]")) return;
  event.preventDefault();
  once(() => submit(event.target, event.submitter));
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='/guard']");
  // While something is being sent a link leaves the page; what is under way is kept.
  if (link && !isSending && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    once(() => visit(link.href));
  }
  const pressed = event.target.closest("[data-do]");
  if (pressed) acts[pressed.dataset.do]?.(pressed);
});

const acts = {
  torch: (button) => toggleTorch(button),
  "give-up": () => giveUp(),
  "send-old": () => {
    show("pending", false);
    once(() => answered(sendKept(wait, true)));
  },
  "drop-old": async () => {
    await dropKept();
    show("pending", false);
  },
};

window.addEventListener("popstate", () => (isSending ? location.reload() : once(() => visit(location.href, false))));

// The camera was off while the page was hidden.
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden") return;
  const photo = content.querySelector("[data-photo]");
  if (content.querySelector("[data-scanner]")) begin();
  else if (photo) resumePhoto(photo);
});

// A scanner that types is as fast as no person, and ends with Enter: outside a field its code is still heard, and presses no button.
const keyGapMs = 100;
const codeMin = 6;
let typed = "";
let typedAt = 0;
document.addEventListener(
  "keydown",
  (event) => {
    if (event.target.closest("input:not([type=hidden]), textarea, select")) return;
    if (event.timeStamp - typedAt > keyGapMs) typed = "";
    typedAt = event.timeStamp;
    if (event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey) {
      typed += event.key;
      return;
    }
    if (event.key !== "Enter" || typed.length < codeMin) return;
    event.preventDefault();
    const code = typed;
    typed = "";
    once(() => check(code));
  },
  true,
);

/** A code that came while another page was shown: at the gate of that page. */
async function check(code) {
  const gate = content.querySelector("[data-gate]")?.dataset.gate ?? content.querySelector("[name=gate]")?.value;
  const fields = [["uid", code], ...(gate === undefined ? [] : [["gate", gate]])];
  await answered(send({ path: "/guard/check", fields }, wait));
}

/** The shell, kept by the worker: on to the page itself as soon as the gateway answers. */
async function awaitGateway() {
  await fetchPage("/healthz", () => show("unreachable"));
  location.replace("/guard");
}

/** What was under way when the page was left: by itself while it is young and the same guard's, else only when the guard says so. */
async function resume() {
  const kept = await keptSending();
  if (!kept || content.querySelector("[data-shell]")) return;
  if (!kept.isOld && kept.by === guard()) return once(() => answered(sendKept(wait, false)));
  const pending = when("pending");
  if (!pending) return;
  pending.querySelector("[data-part=about]").textContent = kept.about;
  pending.querySelector("[data-part=at]").textContent = new Date(kept.at).toLocaleTimeString(
    document.documentElement.lang,
  );
  pending.hidden = false;
}

begin();
resume();
navigator.serviceWorker?.register("/guard-worker.js", { scope: "/guard" }).catch(() => undefined);
