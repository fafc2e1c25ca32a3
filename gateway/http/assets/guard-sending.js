/** Sends a form until it is answered, under the same number each time, so that an entry counts once; what is under way outlives the page. */
import { forget, keep, kept } from "./guard-pending.js";

const answerMs = 10_000;
const photoMs = 20_000;
const pausesMs = [500, 1_000, 2_000, 4_000];
/** After this long nothing is sent unless the guard says so: the visitor is gone. */
const oldMs = 10 * 60_000;
/** The gateway is there and could not, for the moment. */
const passing = [429, 502, 503, 504];

let stopping = new AbortController();

/** Ends what is being sent. Nobody knows whether it arrived. */
export function giveUp() {
  stopping.abort();
}

/**
 * `sending`: path, fields, perhaps a picture (Blob); with `about`, and `by` whom, it is kept until it is answered. `wait` is called when it has to be sent
 * again. Resolves with the answer, or undefined after giveUp().
 */
export async function send(sending, wait) {
  const isKept = sending.about !== undefined;
  const whole = { ...sending, at: Date.now() };
  if (isKept) await keep(whole);
  return insist(whole, wait);
}

/** What was kept: about whom, by which guard, since when, whether it is old. */
export async function keptSending() {
  const sending = await kept();
  return sending && { about: sending.about, by: sending.by, at: sending.at, isOld: Date.now() - sending.at > oldMs };
}

/** `isPressed`: the guard says so now, with the visitor at the gate; else it is as old as it was. */
export async function sendKept(wait, isPressed) {
  const sending = await kept();
  return sending && insist(isPressed ? { ...sending, at: Date.now() } : sending, wait);
}

export const dropKept = forget;

/** Asks for a page until it comes. `wait` is called when it has to be asked again. */
export async function fetchPage(address, wait) {
  return again(() => fetch(address, { headers: { accept: "text/html" }, signal: deadline(answerMs) }), wait);
}

async function insist(sending, wait) {
  let upload = sending.picture ? undefined : {};
  const response = await again(async () => {
    upload ??= await uploaded(sending.picture);
    if (upload === undefined && sending.mustHavePicture) throw new Error("the photo is not there yet");
    const photo = upload?.photo === undefined ? [] : [["photo", upload.photo]];
    // The gateway opens nothing for a press that is ten seconds old, and still says what became of it.
    const fields = [...sending.fields, ...photo, ["age", String(Math.max(0, Date.now() - sending.at))]];
    return fetch(sending.path, {
      method: "POST",
      headers: { accept: "text/html" },
      body: new URLSearchParams(fields),
      signal: deadline(answerMs),
    });
  }, wait);
  // Signed out: it is kept, and sent after the sign-in.
  if (response && new URL(response.url).pathname === "/sign-in") return response;
  if (sending.about !== undefined) await forget();
  return response;
}

/** With the picture's name at the gateway; without one where the gateway will not have it; undefined: it did not get there, for now. */
async function uploaded(picture) {
  try {
    const response = await fetch("/photos", {
      method: "POST",
      headers: { "content-type": "image/jpeg", accept: "application/json" },
      body: picture,
      signal: deadline(photoMs),
    });
    if (response.ok) return { photo: (await response.json()).sha256 };
    return passing.includes(response.status) ? undefined : {};
  } catch {
    return undefined;
  }
}

function deadline(ms) {
  return AbortSignal.any([stopping.signal, AbortSignal.timeout(ms)]);
}

async function again(ask, wait) {
  stopping = new AbortController();
  const { signal } = stopping;
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    const response = await ask().catch(() => undefined);
    if (response && !passing.includes(response.status)) return response;
    if (signal.aborted) break;
    wait();
    await pause(pausesMs[Math.min(attempt, pausesMs.length - 1)], signal);
  }
  return undefined;
}

function pause(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
