/** A guard's night without the internet, on real sockets: signs in at the gateway, opens a box, and the cloud hears of it later, once. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { EntryEvent } from "../../gateway/domain/entry-event.ts";
import { until } from "../support/until.ts";
import { WholeSite } from "../support/whole-site.ts";

const password = "gate and garden 7";
let site: WholeSite;
let guard: string;

before(async () => {
  site = await WholeSite.start();
  const { person, link } = await site.admin<{ person: { id: string }; link: { url: string } }>("POST", "/api/people", {
    userName: "rosa",
    name: "Rosa Guard",
    role: "guard",
    sites: [site.site],
  });
  guard = person.id;
  const token = new URL(link.url).hash.slice(1);
  await site.admin("POST", "/auth/link/password", { token, password });
  await until("the gateway knows the guard", () => site.gateway.site.parts.records.staff(guard) !== undefined);
});
after(() => site.stop());

test("a guard signs in and works while the internet is off; the cloud has it all afterwards, each thing once", async () => {
  await site.setInternet(false);
  const box = site.box("box-1");
  const cookie = await signIn();
  const opened = await post("/doors/box-1/unlock", {}, cookie);
  assert.equal(opened.status, 303);
  await box.becomes("released");
  await box.becomes("secured");
  assert.deepEqual(toldOfStaff(await site.journalEvents()), [
    ["staff-signed-in", guard],
    ["staff-command", guard],
    ["staff-command-ended", "confirmed"],
  ]);

  // The gateway's power fails: whoever was signed in is not any more, and may sign in again.
  await site.gateway.stop();
  await site.startGateway();
  await box.isConnected();
  assert.equal((await post("/doors/box-1/unlock", {}, cookie)).headers.get("location"), "/sign-in");
  await signIn();

  await site.setInternet(true);
  const written = await site.journalEvents();
  await until("the cloud has it all", async () => (await site.cloudEvents()).length >= written.length);
  assert.deepEqual(toldOfStaff(await site.cloudEvents()), [
    ["staff-signed-in", guard],
    ["staff-command", guard],
    ["staff-command-ended", "confirmed"],
    ["staff-signed-in", guard],
  ]);
  const { items } = await site.admin<{ items: { actor: string; action: string; thing: string }[] }>(
    "GET",
    `/api/audit?site=${site.site}&who=${guard}`,
  );
  assert.deepEqual(items.map(({ action, thing }) => [action, thing]).reverse(), [
    ["staff.sign-in", site.gateway.site.parts.records.gateway],
    ["staff.unlock", "box-1"],
    ["staff.sign-in", site.gateway.site.parts.records.gateway],
  ]);
});

test("a guard who is disabled is out as soon as the gateway hears of it", async () => {
  const cookie = await signIn();
  await site.admin("PATCH", `/api/people/${guard}`, { disabled: true });
  await until("the gateway has heard", () => site.gateway.site.parts.records.staff(guard) === undefined);
  assert.equal((await post("/doors/box-1/unlock", {}, cookie)).headers.get("location"), "/sign-in");
  assert.equal((await post("/sign-in", { userName: "rosa", password })).status, 422);
});

async function signIn(): Promise<string> {
  const answer = await post("/sign-in", { userName: "rosa", password });
  assert.equal(answer.status, 303, await answer.text());
  return answer.headers.getSetCookie()[0]!.split(";", 1)[0]!;
}

function post(path: string, form: Record<string, string>, cookie = ""): Promise<Response> {
  const { url } = site.gateway.http;
  return fetch(url + path, {
    method: "POST",
    redirect: "manual",
    headers: { origin: url, cookie, connection: "close" },
    body: new URLSearchParams(form),
    signal: AbortSignal.timeout(60_000),
  });
}

function toldOfStaff(events: readonly EntryEvent[]): [string, string | undefined][] {
  return events.flatMap((event): [string, string | undefined][] => {
    if (event.type === "staff-command-ended") return [[event.type, event.result]];
    if (event.type === "staff-signed-in" || event.type === "staff-command") return [[event.type, event.staff]];
    return [];
  });
}
