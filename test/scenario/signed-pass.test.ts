/** A gate that has had no internet since morning, an invitation made a moment ago, and a guest who shows the signed QR code. Real sockets. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { until } from "../support/until.ts";
import { WholeSite } from "../support/whole-site.ts";

const password = "gate and garden 7";
let site: WholeSite;
let cookie: string;

before(async () => {
  site = await WholeSite.start();
  const { person, link } = await site.admin<{ person: { id: string }; link: { url: string } }>("POST", "/api/people", {
    ...{ userName: "rosa", name: "Rosa Guard", role: "guard", sites: [site.site] },
  });
  await site.admin("POST", "/auth/link/password", { token: new URL(link.url).hash.slice(1), password });
  await site.admin("PATCH", `/api/sites/${site.site}`, { signedPasses: "on" });
  const { records } = site.gateway.site.parts;
  await until(
    "the gateway knows guard and key",
    () => records.staff(person.id) !== undefined && !!records.site?.passKeys,
  );
  await site.setInternet(false);
  const answer = await at("/sign-in", new URLSearchParams({ userName: "rosa", password }));
  cookie = answer.headers.getSetCookie()[0]!.split(";", 1)[0]!;
});
after(() => site.stop());

const invite = (body: object = {}) =>
  site.admin<{ id: string; recordUid: string }>("POST", "/api/passes", {
    ...{ site: site.site, visitorName: "Lea", host: "Ana Resident", accessPoints: ["box-1"], ...body },
  });
const signed = async (pass: { id: string }) =>
  (await site.admin<{ text: string }>("GET", `/api/passes/${pass.id}/signed`)).text;

function at(path: string, body: string | URLSearchParams, headers: Record<string, string> = {}): Promise<Response> {
  const { url } = site.gateway.http;
  return fetch(url + path, {
    ...{ method: "POST", body, redirect: "manual" as const, signal: AbortSignal.timeout(60_000) },
    headers: { origin: url, connection: "close", ...headers },
  });
}
let numbers = 0;
async function scan(path: "/validate-qr" | "/log-entry", record_uid: string, nonce = `signed-scenario-${++numbers}`) {
  const body = { record_uid, ...(path === "/log-entry" && { nonce }) };
  const answer = await at(path, JSON.stringify(body), { cookie, "content-type": "application/json" });
  const told = (await answer.json()) as { access_granted: boolean; reason: string | null; visitor: object | null };
  assert.equal(answer.status, 200, JSON.stringify(told));
  return told;
}

test("the guest comes in once; when the line is back the cloud counts one, and its history tells when it was", async () => {
  const pass = await invite();
  assert.equal((await scan("/validate-qr", pass.recordUid)).access_granted, false, "the short code is not known here");
  const text = await signed(pass);
  assert.partialDeepStrictEqual(await scan("/validate-qr", text), {
    ...{ access_granted: true, visitor: { signed_only: true, entries_left: 1 } },
  });
  assert.equal((await scan("/log-entry", text)).access_granted, true);
  await site.box("box-1").becomes("released");
  assert.equal((await scan("/log-entry", text)).reason, "LIMIT_REACHED");

  // The power fails, and somebody comes with a copy, and then with one that was made since.
  await site.restartGateway();
  const answer = await at("/sign-in", new URLSearchParams({ userName: "rosa", password }));
  cookie = answer.headers.getSetCookie()[0]!.split(";", 1)[0]!;
  for (const copy of [text, await signed(pass)]) assert.equal((await scan("/log-entry", copy)).reason, "LIMIT_REACHED");
  assert.equal((await site.admin<{ entriesUsed: number }>("GET", `/api/passes/${pass.id}`)).entriesUsed, 0);

  await site.setInternet(true);
  const written = (await site.journalEvents()).find((event) => event.type === "admitted");
  const read = () => site.admin<{ entriesUsed: number }>("GET", `/api/passes/${pass.id}`);
  await until("the cloud has the entry", async () => (await read()).entriesUsed === 1);
  type History = { items: { type: string; at: string; guard: string | null }[] };
  const { items } = await site.admin<History>("GET", `/api/passes/${pass.id}/history`);
  const entries = items.filter(({ type }) => type === "admitted");
  assert.deepEqual(
    entries.map(({ at, guard }) => [Date.parse(at), guard]),
    [[written?.at, "Rosa Guard"]],
  );
  const { records } = site.gateway.site.parts;
  await until("its row is at the gateway", () => records.grant(pass.id) !== undefined);
  for (const copy of [pass.recordUid, text]) {
    const told = await scan("/log-entry", copy);
    assert.partialDeepStrictEqual(told, { reason: "LIMIT_REACHED", visitor: { name: "Lea", signed_only: false } });
  }
  assert.equal((await read()).entriesUsed, 1);
});

test("what was withdrawn while the gate could not hear of it is told by the signature until the line is back, and not beyond", async () => {
  await site.setInternet(false);
  const pass = await invite({ entriesAllowed: 5 });
  const text = await signed(pass);
  await site.admin("DELETE", `/api/passes/${pass.id}`);
  assert.equal((await scan("/validate-qr", text)).access_granted, true, "a gate that is cut off cannot know");
  await site.setInternet(true);
  await until("it knows", () => site.gateway.site.parts.records.isRevoked(pass.id));
  assert.equal((await scan("/log-entry", text)).reason, "REVOKED");
});
