/** Staff at the gateway's own pages, without a cloud: who gets in, what they open, and what is written down. Clock and disk are simulated. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { defaultOfflineMaxAgeMs } from "../../gateway/domain/site.ts";
import { carryOutForStaff } from "../../gateway/flows/staff-command.ts";
import { PasswordHasher } from "../../gateway/wire/password-hash.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { goneRow, siteRow } from "../support/site-fixture.ts";
import { aGate, anySite, rosa, staffRow, rosasPassword as typed } from "../support/staffed-gate.ts";

const other = await new PasswordHasher({ cost: { memoryKiB: 64, passes: 1 } }).hash(new SecretString("another one 42"));

describe("signing in at the gateway", () => {
  test("with the right password, in any spelling of the name, and the doors are there", async () => {
    const { ask, signIn, events } = await aGate();
    assert.match((await ask("GET", "/")).text, /Sign in<\/a> to open doors/);
    const cookie = await signIn(" ROSA ", typed);
    const { text } = await ask("GET", "/", { cookie });
    assert.match(text, /Rosa Guard/);
    assert.match(text, /Open Front door/);
    assert.deepEqual(await events(), [{ type: "staff-signed-in", staff: "person-rosa" }]);
  });

  test("a wrong password and an unknown name are answered alike, and written down without what was typed", async () => {
    const { ask, events } = await aGate();
    const wrong = await ask("POST", "/sign-in", { form: { userName: "rosa", password: "gate and garden 8" } });
    const nobody = await ask("POST", "/sign-in", { form: { userName: typed, password: typed } });
    assert.equal(wrong.status, 422);
    assert.equal(nobody.status, 422);
    assert.equal(wrong.text, nobody.text.replace(`value="${typed}"`, 'value="rosa"'));
    assert.equal(wrong.cookie, undefined);
    assert.deepEqual(await events(), [
      { type: "staff-refused", staff: "person-rosa", why: "wrong" },
      { type: "staff-refused", why: "wrong" },
    ]);
  });

  test("what was typed and what a door or a person is called stay text", async () => {
    const script = `"'><script>alert(1)</script>`;
    const { ask, signIn, send } = await aGate();
    const refused = await ask("POST", "/sign-in", { form: { userName: script, password: script } });
    assert.match(refused.text, /&lt;script&gt;alert/);
    await send([staffRow({ ...rosa, name: script }, 2), siteRow(anySite({ name: script }), 3)]);
    const { text } = await ask("GET", "/", { cookie: await signIn("rosa", typed) });
    assert.match(text, /&lt;script&gt;alert/);
    for (const page of [refused.text, text]) assert.doesNotMatch(page, /<script>alert/);
  });

  test("ten wrong passwords lock the name, the right one included, until a minute has passed", async () => {
    const { ask, signIn, pass } = await aGate();
    for (let tries = 0; tries < 10; tries += 1) {
      const { status } = await ask("POST", "/sign-in", { form: { userName: "rosa", password: `wrong ${tries}` } });
      assert.equal(status, 422);
    }
    // The address may ask again, the name may not.
    pass(30_000);
    const locked = await ask("POST", "/sign-in", { form: { userName: "rosa", password: typed } });
    assert.equal(locked.status, 429);
    assert.match(locked.text, /Too many wrong passwords/);
    pass(31_000);
    assert.ok(await signIn("rosa", typed));
  });

  test("not from another site's page, and not over a line anybody can read", async () => {
    const { ask } = await aGate();
    const form = { userName: "rosa", password: typed };
    const foreign = await ask("POST", "/sign-in", { form, headers: { origin: "https://evil.example" } });
    assert.equal(foreign.status, 403);
    const clear = await ask("POST", "/sign-in", { form, from: "192.168.1.7" });
    assert.equal(clear.status, 403);
    assert.match(clear.text, /line-not-encrypted/);
    const page = await ask("GET", "/sign-in", { from: "192.168.1.7" });
    assert.doesNotMatch(page.text, /type="password"/);
  });

  test("records that are older than the site allows let nobody in", async () => {
    const { ask, events } = await aGate({ offlineMaxAgeMs: defaultOfflineMaxAgeMs });
    const { status, text } = await ask("POST", "/sign-in", { form: { userName: "rosa", password: typed } });
    assert.equal(status, 422);
    assert.match(text, /cannot tell any more who works here/);
    assert.deepEqual(await events(), []);
  });
});

describe("whoever has signed in", () => {
  test("opens a door: written down before it moves, and told", async () => {
    const { ask, signIn, events, heard } = await aGate();
    const cookie = await signIn("rosa", typed);
    const { status } = await ask("POST", "/doors/front/unlock", { cookie, form: {} });
    assert.equal(status, 303);
    assert.deepEqual(heard, ["release, 3 on the disk"]);
    assert.match((await ask("GET", "/", { cookie })).text, /Front door: open/);
    assert.doesNotMatch((await ask("GET", "/", { cookie })).text, /Front door: open/);
    const [command, ended] = (await events()).slice(1);
    assert.deepEqual(command, { type: "staff-command", staff: "person-rosa", accessPoint: "front" });
    assert.deepEqual(ended, { type: "staff-command-ended", of: 3, accessPoint: "front", result: "confirmed" });
  });

  test("opens nothing during a lockdown, at a door that is none, or without the cookie", async () => {
    const { ask, signIn, send, heard } = await aGate();
    const cookie = await signIn("rosa", typed);
    assert.equal((await ask("POST", "/doors/back/unlock", { cookie, form: {} })).status, 404);
    assert.equal((await ask("POST", "/doors/front/unlock", { form: {} })).headers.get("location"), "/sign-in");
    await send([siteRow(anySite({ lockdown: true }), 2)]);
    await ask("POST", "/doors/front/unlock", { cookie, form: {} });
    assert.match((await ask("GET", "/", { cookie })).text, /lockdown: nothing is opened/);
    assert.deepEqual(heard, []);
  });

  test("is out when the cloud takes them off the list, changes the password, or after half a day unused", async () => {
    const { ask, signIn, send, pass } = await aGate();
    const isIn = async (cookie: string) => (await ask("GET", "/", { cookie })).text.includes("Rosa Guard");
    const first = await signIn("rosa", typed);
    assert.equal(await isIn(first), true);
    // Part of a set that is still arriving: what takes away counts at once.
    await send([staffRow({ ...rosa, password: other }, 2)], { complete: false });
    assert.equal(await isIn(first), false);
    await send([staffRow(rosa, 3)]);
    const second = await signIn("rosa", typed);
    await send([goneRow("staff", rosa.id, 4)], { complete: false });
    assert.equal(await isIn(second), false);
    await send([staffRow(rosa, 5)]);
    const third = await signIn("rosa", typed);
    pass(12 * 3_600_000 + 1);
    assert.equal(await isIn(third), false);
  });

  test("signs in anew after a day, however much the session was used", async () => {
    const { ask, signIn, pass } = await aGate();
    const isIn = async (cookie: string) => (await ask("GET", "/", { cookie })).text.includes("Rosa Guard");
    const cookie = await signIn("rosa", typed);
    for (let hour = 0; hour < 24; hour += 6) {
      assert.equal(await isIn(cookie), true, `after ${hour} h`);
      pass(6 * 3_600_000);
    }
    assert.equal(await isIn(cookie), true, "after 24 h");
    pass(1);
    assert.equal(await isIn(cookie), false);
    assert.ok(await signIn("rosa", typed));
  });

  test("opens nothing once taken off the list, not even where the order was waiting or being written down", async () => {
    const { site, send, heard, held, events } = await aGate();
    const command = { staff: rosa, accessPoint: "front", action: "unlock" } as const;
    held.release = Promise.withResolvers<void>();
    const first = carryOutForStaff(site, command);
    const waiting = carryOutForStaff(site, command);
    while (heard.length === 0) await nextTurn();
    await send([goneRow("staff", rosa.id, 2)]);
    held.release.resolve();
    assert.deepEqual([await first, await waiting], ["confirmed", "not-staff"]);

    await send([staffRow(rosa, 3)]);
    const beingWritten = carryOutForStaff(site, command);
    await send([staffRow({ ...rosa, password: other }, 4)]);
    assert.equal(await beingWritten, "refused");
    assert.equal(heard.length, 1);
    assert.deepEqual(
      (await events()).map((event) => ("result" in event ? event.result : event.type)),
      ["staff-command", "confirmed", "staff-command", "refused"],
    );
  });

  test("signs out, and the cookie is worth nothing", async () => {
    const { ask, signIn } = await aGate();
    const cookie = await signIn("rosa", typed);
    await ask("POST", "/sign-out", { cookie, form: {} });
    assert.equal((await ask("POST", "/doors/front/unlock", { cookie, form: {} })).headers.get("location"), "/sign-in");
  });
});
