/** What every store must do, whatever the database: the feed, the journal's way in, codes and answers that happen once. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { dropTombstones, type FeedChange, feedPage, publish, renderRows } from "../../cloud-sync/store/feed.ts";
import { claimCode } from "../../cloud-sync/store/grants.ts";
import { once } from "../../cloud-sync/store/idempotency.ts";
import { createSite, readSite } from "../../cloud-sync/store/sites.ts";
import type { Store } from "../../cloud-sync/store/store.ts";
import { type Cursor, type FeedPage, noCursor } from "../../gateway/domain/feed.ts";
import { SiteRecords } from "../../gateway/domain/site-records.ts";
import { CredentialSeal } from "../../gateway/wire/credential-seal.ts";
import { toFeedRow, wireRowSchema } from "../../gateway/wire/feed.ts";
import { givenCloud, HandClock, type TestCloud } from "../support/cloud.ts";
import fc from "../support/fast-check.ts";

const now = Date.UTC(2031, 2, 4);

export function storeContract(name: string, skip: string | false, open: () => Promise<Store>): void {
  describe(`store on ${name}`, { skip }, () => {
    let store: Store;
    before(async () => {
      store = await open();
    });
    after(async () => {
      await store.close();
    });

    const givenSite = async () => {
      const id = `s-${randomUUID().slice(0, 8)}`;
      await store.transaction((tx) => createSite(tx, { id, name: id, zone: "UTC" }, "sealed", now));
      return id;
    };
    const write = (site: string, ...changes: FeedChange[]) =>
      store.transaction((tx) => publish(tx, site, changes, now));
    const entry = (id: string, value = "x"): FeedChange => ({
      kind: "blacklist",
      id,
      body: { id, subject: "person", value },
    });
    const page = async (site: string, cursor: Cursor, limit = 100, resettingFrom: number | null = null) =>
      (await feedPage(store.db, { site, cursor, resettingFrom, limit }))!;
    const ids = (rows: readonly { readonly id: string }[]) => rows.map(({ id }) => id);

    test("each transaction is one version, given to every row it touched", async () => {
      const site = await givenSite();

      const first = await write(site, entry("a"), entry("b"));
      const second = await write(site, entry("a", "y"));

      assert.equal(second, first + 1);
      const { rows, to, complete, reset } = await page(site, noCursor);
      assert.deepEqual(
        rows.map(({ id, ver }) => [id, ver]),
        [
          [site, 1],
          ["b", first],
          ["a", second],
        ],
      );
      assert.deepEqual({ to, complete, reset }, { to: second, complete: true, reset: true });
    });

    test("a delta brings what changed above the cursor, a tombstone with what was revoked for ever", async () => {
      const site = await givenSite();
      await write(site, entry("a"), entry("b"));
      const { feed, to } = await page(site, noCursor);

      await write(site, { kind: "blacklist", id: "a", gone: true, revoked: ["grant-1"] });

      const delta = await page(site, { feed, version: to });
      assert.equal(delta.reset, false);
      assert.equal(
        renderRows(delta.rows, "any"),
        `[{"kind":"blacklist","id":"a","ver":${to + 1},"gone":true,"revoked":["grant-1"]}]`,
      );
      assert.deepEqual((await page(site, { feed, version: to + 1 })).rows, []);
    });

    test("a page never splits a version, and a version bigger than a page goes out whole", async () => {
      const site = await givenSite();
      await write(site, entry("a1"), entry("a2"));
      await write(site, ...Array.from({ length: 7 }, (_, index) => entry(`b${index}`)));
      await write(site, entry("c"));
      const { feed } = await page(site, noCursor);

      const sizes: number[] = [];
      let cursor = { feed, version: 0 };
      for (;;) {
        const { rows, to, complete } = await page(site, cursor, 4);
        sizes.push(rows.length);
        cursor = { feed, version: to };
        if (complete) break;
      }

      assert.deepEqual(sizes, [3, 7, 1]);
    });

    test("a cursor of another feed, ahead of the site, or below the floor begins the whole set", async () => {
      const site = await givenSite();
      await write(site, entry("a"), entry("b"));
      await write(site, { kind: "blacklist", id: "a", gone: true });
      await write(site, entry("c"));
      const { feed, to } = await page(site, noCursor);

      assert.equal((await page(site, { feed: "other", version: to })).reset, true);
      assert.equal((await page(site, { feed, version: to + 1 })).reset, true);
      assert.equal((await page(site, { feed, version: 1 })).reset, false);
      await store.transaction((tx) => dropTombstones(tx, site, now + 1_000, 0));
      const below = await page(site, { feed, version: 1 });
      assert.equal(below.reset, true);
      assert.deepEqual(ids(below.rows), [site, "b", "c"]);
      assert.equal((await page(site, { feed, version: 3 })).reset, false);
      // Half-way through a whole set that began above the floor, a cursor below it goes on.
      assert.equal((await page(site, { feed, version: 1 }, 100, to)).reset, false);
    });

    test("each holder is told its own share of a limited grant, and a gateway's next card begins with nothing", async () => {
      const site = await givenSite();
      const rights = { holders: { "gw-1.1": { granted: 3 } }, heldBy: ["gw-1"], spent: false };
      await write(site, { kind: "grant", id: "g", body: { id: "g" }, rights });
      const { rows } = await page(site, { feed: "", version: 0 });

      const told = (holder: string) => {
        const { granted, heldBy } = JSON.parse(renderRows(rows, holder)).at(-1);
        return { granted, heldBy };
      };
      assert.deepEqual(told("gw-1.1"), { granted: 3, heldBy: undefined });
      assert.deepEqual(told("gw-1.2"), { granted: 0, heldBy: undefined });
      assert.deepEqual(told("gw-2.1"), { granted: 0, heldBy: ["gw-1"] });
    });

    test("whatever is written and however it is paged, a gateway that applies it has the site's checksum", async () => {
      const change = fc.oneof(
        fc.record({ id: fc.constantFrom("a", "b", "c", "d"), value: fc.string({ unit: "binary", minLength: 1 }) }),
        fc.record({ id: fc.constantFrom("a", "b", "c", "d"), gone: fc.constant(true as const) }),
      );
      const steps = fc.array(
        fc.record({
          changes: fc.uniqueArray(change, { minLength: 1, maxLength: 4, selector: ({ id }) => id }),
          limit: fc.integer({ min: 1, max: 4 }),
          polls: fc.boolean(),
        }),
        { minLength: 1, maxLength: 6 },
      );
      await fc.assert(
        fc.asyncProperty(steps, async (all) => {
          const site = await givenSite();
          const records = new SiteRecords("gw", []);
          for (const { changes, limit, polls } of [...all, { changes: [], limit: 2, polls: true }]) {
            if (changes.length > 0) {
              await write(
                site,
                ...changes.map(
                  (one): FeedChange =>
                    "gone" in one ? { kind: "blacklist", id: one.id, gone: true } : entry(one.id, one.value),
                ),
              );
            }
            if (!polls) continue;
            let last: Awaited<ReturnType<typeof page>>;
            do {
              last = await page(site, records.cursor, limit);
              const rows = JSON.parse(renderRows(last.rows, "gw")).map((row: unknown) =>
                toFeedRow(wireRowSchema.parse(row)),
              );
              const taken: FeedPage = { ...last, rows };
              records.apply({ kind: "page", page: taken, at: now }, 0, 1);
            } while (!last.complete);
            assert.deepEqual(records.checksum, last.checksum);
          }
        }),
        { numRuns: 25 },
      );
    });

    test("of two transactions that want the same code at once, one gets it", async () => {
      const site = await givenSite();
      const claim = (credentialId: string) =>
        store.transaction((tx) =>
          claimCode(
            tx,
            { siteId: site, kind: "pin", index: "same", credentialId, grantId: credentialId, until: now + 1_000 },
            now,
            false,
          ),
        );

      const outcomes = await Promise.all(["a", "b", "c", "d"].map(claim));

      assert.equal(outcomes.filter(Boolean).length, 1);
    });

    test("requests with one key at once take effect once and are answered alike", async () => {
      const site = await givenSite();
      const seal = new CredentialSeal(site, Buffer.alloc(32, 1));
      let effects = 0;
      const ask = (content: string) =>
        once(store, seal, { site, key: "k", content }, now, async () => {
          effects += 1;
          return { effect: effects };
        });

      const answers = await Promise.all([ask("a"), ask("a"), ask("a")]);

      assert.equal(effects, 1);
      assert.deepEqual(new Set(answers.map((one) => one.outcome === "done" && one.answer.effect)), new Set([1]));
      assert.deepEqual(await ask("b"), { outcome: "mismatch" });
    });

    test("nothing of a transaction that fails stays", async () => {
      const site = await givenSite();
      const versionBefore = (await readSite(store.db, site))?.ver;

      await assert.rejects(
        store.transaction(async (tx) => {
          await publish(tx, site, [entry("a")], now);
          throw new Error("too bad");
        }),
        /too bad/,
      );

      assert.equal((await readSite(store.db, site))?.ver, versionBefore);
    });

    describe("rights", () => {
      const site = `rights-${name.toLowerCase()}`;
      const clock = new HandClock();
      let cloud: TestCloud;
      before(async () => {
        cloud = await givenCloud({ store, clock });
        await cloud.ask("POST", "/api/sites", { id: site, name, zone: "UTC" });
      });
      const aGrant = (door: string, entriesAllowed: number) =>
        cloud.ask("POST", `/api/sites/${site}/grants`, {
          kind: "temporary",
          holder: { name: "Pat Holder" },
          accessPoints: [door],
          from: "2031-01-01T00:00:00Z",
          until: "2041-01-01T00:00:00Z",
          entriesAllowed,
          credentials: [{ kind: "pin" }],
        });

      test("limited grants that are created at the same time do not wait for each other for ever", async () => {
        await cloud.gateway(site, ["many"]);
        const created = await Promise.all(Array.from({ length: 12 }, () => aGrant("many", 1)));
        assert.deepEqual(
          created.map(({ status }) => status),
          created.map(() => 201),
        );
      });

      test("an entry goes where it was asked for, and no gateway's word lifts the limit for another", async () => {
        const home = await cloud.gateway(site, ["home"]);
        const other = await cloud.gateway(site, ["other"]);
        const grant = (await aGrant("home", 1)).body.id;
        const row = async (gateway: typeof home) => {
          const { rows } = (await gateway.poll()).body;
          return rows.find((one: { id: string }) => one.id === grant);
        };
        assert.equal((await row(home)).granted, 1);
        clock.advance(31_000);
        other.record({ type: "denied", accessPoint: "other", reason: "HELD_AT_OTHER_GATE", via: "pin", grant });
        await other.push(1);
        assert.deepEqual((await row(home)).order, { no: 1, n: 1 });

        home.record({ type: "rights-returned", grant, total: 1_000, order: 1 });
        await home.push(1);

        assert.equal((await row(other)).granted, 1);
        const { entriesAt } = (await cloud.ask("GET", `/api/sites/${site}/grants/${grant}`)).body;
        assert.deepEqual(entriesAt, [{ gateway: other.id, held: 1, asked: false }]);
      });
    });

    describe("the journal's way in", () => {
      let cloud: TestCloud;
      before(async () => {
        cloud = await givenCloud({ store });
        await cloud.ask("POST", "/api/sites", { id: name.toLowerCase(), name, zone: "UTC" });
      });
      const given = () => cloud.gateway(name.toLowerCase(), []);
      const admitted = { type: "admitted", accessPoint: "door", grant: "g", credential: "c", via: "pin", left: null };
      const seqs = async (gateway: string) => {
        const { body } = await cloud.ask("GET", `/api/sites/${name.toLowerCase()}/events?gateway=${gateway}`);
        return body.items.map(({ seq }: { seq: number }) => seq).sort((a: number, b: number) => a - b);
      };

      test("events are taken once, however often and however overlapping they are sent", async () => {
        const gateway = await given();
        gateway.record(admitted, admitted, admitted, admitted);

        assert.deepEqual((await gateway.push(1, 3)).body, { outcome: "taken", next: 3 });
        assert.deepEqual((await gateway.push(1, 3)).body, { outcome: "taken", next: 3 });
        assert.deepEqual((await gateway.push(2, 5)).body, { outcome: "taken", next: 5 });

        assert.deepEqual(await seqs(gateway.id), [1, 2, 3, 4]);
      });

      test("a gap stops: the answer names the first event that is missing", async () => {
        const gateway = await given();
        gateway.record(admitted, admitted, admitted);
        await gateway.push(1, 2);

        assert.deepEqual((await gateway.push(3)).body, { outcome: "taken", next: 2 });
        assert.deepEqual(await seqs(gateway.id), [1]);
      });

      test("a different event under a known number is a fork: answered, kept for the administrator, not taken", async () => {
        const gateway = await given();
        gateway.record(admitted, admitted);
        await gateway.push(1);
        gateway.lines[1] = gateway.lines[1]!.replace('"pin"', '"card"');
        gateway.record(admitted);

        const answer = await gateway.push(2);

        assert.equal(answer.status, 409);
        assert.deepEqual(answer.body, { outcome: "fork", seq: 2 });
        const status = await cloud.ask("GET", `/api/sites/${name.toLowerCase()}/gateways/${gateway.id}`);
        assert.equal(status.body.forkAt, 2);
        assert.deepEqual(await seqs(gateway.id), [1, 2]);
      });

      test("events that follow another past than ours are a fork too", async () => {
        const gateway = await given();
        gateway.record(admitted, admitted);
        await gateway.push(1);
        gateway.lines[0] = gateway.lines[0]!.replace('"pin"', '"card"');
        gateway.record(admitted);

        assert.deepEqual((await gateway.push(3)).body, { outcome: "fork", seq: 3 });
      });

      test("an older epoch is fenced", async () => {
        const site = name.toLowerCase();
        const gateway = await given();
        gateway.record(admitted);
        const { body } = await cloud.ask("POST", `/api/sites/${site}/gateways/${gateway.id}/enrolment-codes`);
        await gateway.enrol(body.code);
        assert.equal(gateway.epoch, 2);
        gateway.epoch = 1;

        const answer = await gateway.push(1);

        assert.equal(answer.status, 409);
        assert.deepEqual(answer.body, { outcome: "fenced", epoch: 2 });
      });

      test("an event it cannot read is stored and parked, and what follows is taken", async () => {
        const gateway = await given();
        gateway.record(admitted, { type: "of-tomorrow" });
        gateway.lines.push("{not json", '{"seq":4,"at":1,"type":"boot","odd":"\ud800"}', '"\0"');
        gateway.record({ ...admitted, accessPoint: "a\0b" }, admitted);

        assert.deepEqual((await gateway.push(1)).body, { outcome: "taken", next: 8 });

        const { body } = await cloud.ask("GET", `/api/sites/${name.toLowerCase()}/gateways/${gateway.id}`);
        assert.equal(body.eventsParked, 4);
        assert.deepEqual(await seqs(gateway.id), [1, 2, 3, 4, 5, 6, 7]);
      });

      test("a head that the events do not give, or that the gateway did not sign, is refused whole", async () => {
        const gateway = await given();
        gateway.record(admitted);

        const chain = await gateway.push(1, 2, { head: "x".repeat(43) });
        const signature = await gateway.push(1, 2, { headSignature: "A".repeat(86) });

        assert.deepEqual([chain.status, signature.status], [400, 400]);
        assert.match(chain.body.detail, /chain/);
        assert.match(signature.body.detail, /signed/);
        assert.deepEqual(await seqs(gateway.id), []);
      });
    });
  });
}
