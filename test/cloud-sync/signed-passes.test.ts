/** The signed form of visitors' passes in the cloud: who has one, what it says, whose keys gateways are told, and what its entry becomes. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { PassKey } from "../../gateway/domain/signed-pass.ts";
import { openSignedPass } from "../../gateway/wire/signed-pass.ts";
import { givenCloud, HandClock, type TestCloud, type TestGateway, type TestPerson } from "../support/cloud.ts";

const hour = 3_600_000;
const day = 24 * hour;
const minute = 60_000;

const clock = new HandClock();
let cloud: TestCloud;
let gateway: TestGateway;
let ana: TestPerson;
before(async () => {
  cloud = await givenCloud({ clock });
  await cloud.ask("POST", "/api/sites", { id: "hill", name: "Hill", zone: "Europe/Rome" });
  gateway = await cloud.gateway("hill", ["gate", "back"]);
  ana = await cloud.as("resident", ["hill"], { name: "Ana Resident" });
});
after(() => cloud.close());

const setTo = async (signedPasses: string) => {
  const answer = await cloud.ask("PATCH", "/api/sites/hill", { signedPasses });
  assert.equal(answer.status, 200, answer.text);
  return answer.body.signedPasses;
};
const invite = async (body: object = {}) => {
  const answer = await ana.ask("POST", "/api/passes", { visitorName: "Lea", accessPoints: ["gate"], ...body });
  assert.equal(answer.status, 201, answer.text);
  return answer.body;
};
const signedOf = async ({ id }: { id: string }) => {
  const answer = await ana.ask("GET", `/api/passes/${id}/signed`);
  assert.equal(answer.status, 200, answer.text);
  return answer.body as { text: string; validFrom: string; validUntil: string } | null;
};
/** As the gateway's feed has them, from its beginning. */
const keysOfFeed = async (): Promise<readonly PassKey[] | undefined> => {
  gateway.cursor = { feed: "", version: 0 };
  const row = (await gateway.catchUp()).findLast(({ kind }) => kind === "site");
  return row?.body?.passKeys as readonly PassKey[] | undefined;
};
const readAt = async (text: string, { now = clock.wall(), id = gateway.id, epoch = gateway.epoch } = {}) =>
  openSignedPass(text, {
    site: "hill",
    keys: (await keysOfFeed()) ?? [],
    now,
    gateway: id,
    epoch,
    peers: () => [],
    accessPoints: () => ["gate", "back", "cellar"],
  });

test("off until somebody turns it on: no form, no key in the feed, nothing on the visitor's page", async () => {
  const pass = await invite();
  assert.equal(await signedOf(pass), null);
  assert.equal(await keysOfFeed(), undefined);
  assert.equal((await cloud.ask("GET", "/api/sites/hill")).body.signedPasses, false);
  const refused = await cloud.ask("PATCH", "/api/sites/hill", { signedPasses: "new-key" });
  assert.deepEqual([refused.status, refused.body.errors[0].field], [409, "body.signedPasses"]);
  assert.equal((await ana.ask("PATCH", "/api/sites/hill", { signedPasses: "on" })).status, 403);
});

describe("turned on", () => {
  before(async () => {
    assert.equal(await setTo("on"), true);
  });

  test("a pass made a moment ago says all that its gate has to know, and no name", async () => {
    const pass = await invite({ entriesAllowed: 3, accessPoints: ["back", "gate"], documentNum: "X-77", notes: "dog" });
    const signed = await signedOf(pass);
    const read = await readAt(signed!.text);
    const now = clock.wall();
    assert.deepEqual(
      { ...read, credential: read?.credential.slice(0, 5) },
      {
        grant: pass.id,
        credential: "cred-",
        // Begun a little before it was made: the gate's clock may be behind.
        validity: { from: now - 15 * minute, until: Date.parse(pass.validUntil) },
        entries: 3,
        accessPoints: ["gate", "back"],
        home: "here",
        homeGateway: gateway.id,
      },
    );
    assert.deepEqual([Date.parse(signed!.validFrom), signed!.validUntil], [now - 15 * minute, pass.validUntil]);
    assert.equal(await readAt(signed!.text, { epoch: gateway.epoch + 1 }).then((other) => other?.home), "here-before");
    const row = (await gatewayRows()).find(({ id }) => id === pass.id);
    assert.ok(JSON.stringify(row?.body).includes(`"${read?.credential}"`));
  });

  const gatewayRows = async () => {
    gateway.cursor = { feed: "", version: 0 };
    return gateway.catchUp();
  };

  test("however long the pass is, its signed form is good for a day at most, and a later one for a day from then", async () => {
    const pass = await invite({ validity: "custom", until: "2031-07-01T18:00", entriesAllowed: null });
    const read = await readAt((await signedOf(pass))!.text);
    assert.deepEqual([read?.validity.until, read?.entries], [clock.wall() + day - 15 * minute, null]);
    clock.advance(hour);
    const later = await readAt((await signedOf(pass))!.text);
    assert.equal(later?.validity.until, clock.wall() + day - 15 * minute);
  });

  test("a pass of tomorrow is signed from its beginning on, one of next week not yet", async () => {
    const begins = clock.wall() + 20 * hour;
    const from = new Date(begins).toISOString();
    const until = new Date(begins + 3 * day).toISOString();
    const read = await readAt((await signedOf(await invite({ validity: "custom", from, until })))!.text);
    assert.deepEqual(read?.validity, { from: begins, until: clock.wall() + day });
    const nextWeek = {
      validity: "custom",
      from: new Date(begins + 7 * day).toISOString(),
      until: new Date(begins + 8 * day).toISOString(),
    };
    assert.equal(await signedOf(await invite(nextWeek)), null);
  });

  test("weekly hours are told by when it is good: within one opening", async () => {
    // Tuesday, about 14:00 in Rome.
    const until = "2031-07-01T18:00";
    const open = [{ days: [2], from: "08:00", until: "18:00" }];
    const now = await readAt((await signedOf(await invite({ validity: "custom", until, windows: open })))!.text);
    assert.deepEqual(now?.validity, { from: clock.wall() - 15 * minute, until: Date.UTC(2031, 2, 4, 17) });
    const tomorrow = [{ days: [3], from: "08:00", until: "18:00" }];
    const next = await readAt((await signedOf(await invite({ validity: "custom", until, windows: tomorrow })))!.text);
    assert.deepEqual(next?.validity, { from: Date.UTC(2031, 2, 5, 7), until: clock.wall() + day });
    const friday = [{ days: [5], from: "08:00", until: "18:00" }];
    assert.equal(await signedOf(await invite({ validity: "custom", until, windows: friday })), null);
  });

  test("no form for what was withdrawn, or is barred in whichever way, however the document is written", async () => {
    const withdrawn = await invite();
    await ana.ask("DELETE", `/api/passes/${withdrawn.id}`);
    assert.equal(await signedOf(withdrawn), null);
    for (const subject of ["grant", "person", "document", "credential"]) {
      const pass = await invite({ documentNum: `X-77 ${subject}` });
      const read = await readAt((await signedOf(pass))!.text);
      const value = {
        grant: pass.id,
        person: pass.visitorId,
        document: `x77.${subject}`,
        credential: read?.credential,
      }[subject];
      await cloud.ask("POST", "/api/sites/hill/blacklist", { subject, value });
      assert.equal(await signedOf(pass), null, subject);
    }
  });

  test("it gives no more than the cloud has placed at its gate, and nothing where that is out of service", async () => {
    const east = await cloud.gateway("hill", ["east"]);
    const pass = await invite({ entriesAllowed: 3, accessPoints: ["east", "gate"] });
    const shown = { id: east.id, epoch: east.epoch };
    const entries = async () => {
      const signed = await signedOf(pass);
      return signed && (await readAt(signed.text, shown))?.entries;
    };
    assert.equal(await entries(), 3);
    await ana.ask("PATCH", `/api/passes/${pass.id}`, { entriesAllowed: 2 });
    assert.equal(await entries(), 2);
    await east.catchUp();
    const tell = async (to: TestGateway, event: Record<string, unknown>) => {
      to.record(event);
      assert.equal((await to.push(to.lines.length)).status, 200);
    };
    await tell(east, { type: "rights-returned", grant: pass.id, total: 1, order: 1 });
    clock.advance(minute);
    // Somebody is denied at the other gate; the cloud asks one back, and it is given.
    await gateway.catchUp();
    const denial = { accessPoint: "gate", reason: "HELD_AT_OTHER_GATE", via: "pass", revision: 1, grant: pass.id };
    await tell(gateway, { type: "denied", ...denial });
    assert.equal(await entries(), 2);
    await tell(east, { type: "rights-returned", grant: pass.id, total: 2, order: 2 });
    assert.equal(await entries(), 1);
    await cloud.ask("POST", `/api/sites/hill/gateways/${east.id}/revoke`);
    assert.equal(await signedOf(pass), null);
  });

  test("an entry by it that is learnt hours later is the pass's own, counted once, and told as late", async () => {
    const pass = await invite();
    const read = await readAt((await signedOf(pass))!.text);
    const at = clock.wall();
    clock.advance(3 * hour);
    const first = gateway.lines.length + 1;
    const entry = {
      accessPoint: "gate",
      grant: pass.id,
      credential: read?.credential,
      via: "pass",
      revision: 1,
      left: 0,
    };
    gateway.record({ type: "admitted", at, ...entry, signed: { placed: 1, until: read?.validity.until } });
    for (const _ of ["told", "told again"]) assert.equal((await gateway.push(first)).status, 200);
    const { body } = await ana.ask("GET", `/api/passes/${pass.id}`);
    assert.equal(body.entriesUsed, 1);
    const { items } = (await ana.ask("GET", `/api/passes/${pass.id}/history`)).body;
    assert.partialDeepStrictEqual(items, [
      { type: "admitted", isLate: true, at: new Date(at).toISOString().replace(".000", "") },
    ]);
  });

  test("another key signs from now on; the one before counts until all it has signed is over", async () => {
    const pass = await invite({ validity: "week", entriesAllowed: null });
    const before = (await signedOf(pass))!.text;
    await setTo("new-key");
    const after = (await signedOf(pass))!.text;
    const keys = await keysOfFeed();
    assert.deepEqual(
      keys?.map(({ until }) => until),
      [undefined, clock.wall() + day],
    );
    assert.ok(!JSON.stringify(keys).includes("salt"));
    for (const text of [before, after]) assert.ok(await readAt(text));
    assert.equal(await readAt(before, { now: clock.wall() + day }), undefined);
    for (let more = 0; more < 12; more += 1) await setTo("new-key");
    assert.equal((await keysOfFeed())?.length, 8);
    clock.advance(day + 1);
    await setTo("new-key");
    assert.equal((await keysOfFeed())?.length, 2);
  });

  test("turned off, all that were signed are void; turned on again, another key signs", async () => {
    const before = (await signedOf(await invite()))!.text;
    assert.equal(await setTo("on"), true);
    assert.ok(await readAt(before), "on is on");
    assert.equal(await setTo("off"), false);
    assert.equal(await keysOfFeed(), undefined);
    await setTo("on");
    assert.equal(await readAt(before), undefined);
  });

  test("whose pass it is not is told nothing", async () => {
    const pass = await invite();
    const ben = await cloud.as("resident", ["hill"]);
    assert.equal((await ben.ask("GET", `/api/passes/${pass.id}/signed`)).status, 404);
    const guard = await cloud.as("guard", ["hill"]);
    assert.equal((await guard.ask("GET", `/api/passes/${pass.id}/signed`)).status, 403);
  });
});
