/** The worker that shows notices, run as a browser would run it: what it shows, and what it sends when an answer is pressed on a notice. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { createContext, runInContext } from "node:vm";

const source = readFileSync(new URL("../../../cloud-sync/pages/assets/push-worker.js", import.meta.url), "utf8");

interface Shown {
  readonly title: string;
  readonly body: string;
  readonly tag: string;
  readonly actions?: readonly { action: string; title: string }[];
  readonly requireInteraction?: boolean;
  readonly data: { readonly path: string };
}

/** `answer`: the service's, to what the worker sends. */
function aWorker(answer: () => Promise<Response>) {
  const listeners = new Map<string, (event: object) => void>();
  const shown: Shown[] = [];
  const opened: string[] = [];
  const sent: { path: string; method?: string; body: string; accept: string | null }[] = [];
  const self = {
    addEventListener: (type: string, listener: (event: object) => void) => listeners.set(type, listener),
    registration: { showNotification: async (title: string, more: object) => shown.push({ title, ...more } as Shown) },
    clients: { matchAll: async () => [], openWindow: async (url: string) => opened.push(url) },
  };
  const fetch = (path: string, { method, body, headers }: RequestInit) => {
    sent.push({ path, method: method ?? "GET", body: String(body), accept: new Headers(headers).get("accept") });
    return answer();
  };
  const location = { origin: "https://gate.example" };
  runInContext(source, createContext({ self, location, fetch, URL, URLSearchParams, AbortSignal }));
  const dispatch = async (type: string, event: object) => {
    const works: Promise<unknown>[] = [];
    listeners.get(type)?.({ ...event, waitUntil: (work: Promise<unknown>) => works.push(work) });
    await Promise.all(works);
  };
  return {
    shown,
    opened,
    sent,
    push: (message: object) => dispatch("push", { data: { json: () => message } }),
    press: async (action: string) => {
      const notification = { ...shown.at(-1)!, close: () => undefined };
      await dispatch("notificationclick", { notification, action });
    },
  };
}

const answers = [
  { action: "approve", title: "Let in" },
  { action: "deny", title: "Do not let in" },
];
const question = { id: "notice-1", title: "Tom is at the gate", body: "May he?", path: "/a/token", answers };

test("a question shows its answers and stays; pressed, it is sent as the form would be, and what became of it is told", async () => {
  const worker = aWorker(async () => Response.json({ body: "The guard knows." }));
  await worker.push(question);
  const [first] = worker.shown;
  assert.deepEqual([first?.actions, first?.requireInteraction, first?.tag], [answers, true, "notice-1"]);

  await worker.press("deny");

  assert.deepEqual(worker.sent, [
    { path: "/a/token", method: "POST", body: "answer=deny", accept: "application/json" },
  ]);
  assert.deepEqual([worker.shown.at(-1)?.body, worker.shown.at(-1)?.tag], ["The guard knows.", "notice-1"]);
  assert.deepEqual(worker.opened, []);
});

test("without an answer of the service the page is opened; a tap beside the answers opens it and sends nothing", async () => {
  const failing = [async () => new Response("", { status: 503 }), () => Promise.reject(new TypeError("no network"))];
  for (const answer of failing) {
    const worker = aWorker(answer);
    await worker.push(question);
    await worker.press("approve");
    assert.deepEqual(worker.opened, ["https://gate.example/a/token"]);
    assert.equal(worker.shown.length, 1);
  }
  const worker = aWorker(async () => Response.json({ body: "no" }));
  await worker.push({ id: "n", title: "Lea has arrived", body: "", path: "/passes/1" });
  assert.equal(worker.shown[0]?.requireInteraction, false);
  await worker.press("");
  assert.deepEqual([worker.opened, worker.sent], [["https://gate.example/passes/1"], []]);
});
