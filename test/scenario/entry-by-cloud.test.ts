/** A guard counts visitors in through the cloud, at a real gateway: once, within the limit, and nothing opens that the gate has not written down. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { systemClock as clock } from "../../gateway/system-clock.ts";
import { until } from "../support/until.ts";
import { WholeSite } from "../support/whole-site.ts";

const password = "gate and garden 7";
let site: WholeSite;
before(async () => {
  site = await WholeSite.start({ boxes: ["gate"] });
});
after(() => site.stop());

test("two guards' requests for a pass of one entry: one opens; the same number again is the same entry, and the cloud counts one", async () => {
  const { person, link } = await site.admin<{ person: { id: string }; link: { url: string } }>("POST", "/api/people", {
    userName: "rosa",
    name: "Rosa Guard",
    role: "guard",
    sites: [site.site],
  });
  await site.admin("POST", "/auth/link/password", { token: new URL(link.url).hash.slice(1), password });
  const pass = await site.admin<{ id: string; version: number; credentials: { value: string }[] }>(
    "POST",
    `/api/sites/${site.site}/grants`,
    {
      kind: "visitor",
      holder: { name: "Lea Visitor" },
      accessPoints: ["gate"],
      from: new Date(clock.wall() - 60_000).toISOString(),
      until: new Date(clock.wall() + 3_600_000).toISOString(),
      entriesAllowed: 1,
      credentials: [{ kind: "pass" }],
    },
  );
  await site.arrives(pass.version);
  await until("the gateway knows the guard", () => site.gateway.site.parts.records.staff(person.id) !== undefined);
  const signedIn = await fetch(`${site.cloudUrl}/auth/sign-in`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name: "rosa", password }),
  });
  const { accessToken } = (await signedIn.json()) as { accessToken: string };
  const ask = async (path: string, body: object) => {
    const response = await fetch(site.cloudUrl + path, {
      method: "POST",
      headers: { authorization: `Bearer ${accessToken}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    return (await response.json()) as { access_granted: boolean; reason: string | null; entry: number | null };
  };
  const uid = pass.credentials[0]!.value;
  assert.equal((await ask("/api/validate-qr", { record_uid: uid })).access_granted, true);

  const nonces = ["by-cloud-0000-0000-01", "by-cloud-0000-0000-02"];
  const answers = await Promise.all(nonces.map((nonce) => ask("/api/log-entry", { record_uid: uid, nonce })));

  const granted = answers.filter((answer) => answer.access_granted);
  assert.equal(granted.length, 1, JSON.stringify(answers));
  const denied = answers.find((answer) => !answer.access_granted);
  assert.equal(denied?.reason, "LIMIT_REACHED");
  const again = await ask("/api/log-entry", { record_uid: uid, nonce: nonces[answers.indexOf(granted[0]!)] });
  assert.deepEqual([again.access_granted, again.entry], [true, granted[0]?.entry]);
  assert.equal((await ask("/api/validate-qr", { record_uid: uid })).reason, "LIMIT_REACHED");
  const journal = await site.journalEvents();
  const admitted = journal.filter((event) => event.type === "admitted");
  assert.deepEqual(
    admitted.map((event) => [event.seq, "scan" in event && event.scan?.staff]),
    [[granted[0]?.entry, person.id]],
  );
  const taken = journal.findIndex((event) => event.type === "command-taken");
  assert.ok(taken >= 0 && taken < journal.indexOf(admitted[0]!), "the command is on the disk before anything moves");
  assert.doesNotMatch(JSON.stringify(journal), new RegExp(uid));
});
