/** Laws of decide(): random grants and circumstances beside an oracle that says in one sentence when a door may open. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { CredentialKind } from "../../gateway/domain/credential.ts";
import { type AccessRequest, type Circumstances, decide, secondLook } from "../../gateway/domain/decide.ts";
import type { FeedRow } from "../../gateway/domain/feed.ts";
import type { Grant } from "../../gateway/domain/grant.ts";
import { SiteRecords } from "../../gateway/domain/site-records.ts";
import fc from "../support/fast-check.ts";
import {
  aCredential,
  aDay,
  aGrant,
  aPage,
  aSite,
  blacklistRow,
  grantRow,
  noon,
  siteRow,
} from "../support/site-fixture.ts";

const hour = 3_600_000;
/** Mostly what opens, else any of the others: with everything drawn evenly hardly a door would ever open. */
const mostly = <T>(usual: T, ...others: T[]) =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...others) });
const moment = fc.integer({ min: -3, max: 3 }).map((n) => noon + n * 12 * hour);

const grants: fc.Arbitrary<Grant> = fc
  .record({
    kind: mostly<string>("stay", "visitor", "delivery", "unheard-of") as fc.Arbitrary<Grant["kind"]>,
    holder: fc.constantFrom("ann", "bob").map((id) => ({ id, name: id, document: `document of ${id}` })),
    accessPoints: mostly(["front", "back"], ["front"], ["back"], []),
    validity: fc.oneof(
      fc.constant({ from: noon - 2 * aDay, until: noon + 2 * aDay }),
      fc.record({ from: moment, until: moment }),
    ),
    hours: fc.option(
      fc.constantFrom(
        ["08:00", "18:00"],
        ["18:00", "08:00"],
        ["00:00", "24:00"],
        ["00:00", "24:00"],
        ["soon", "later"],
      ),
    ),
    entriesAllowed: fc.option(fc.nat(2)),
    limitMode: fc.constantFrom("strict" as const, "lenient" as const),
    mustUnderstand: fc.constantFrom([], [], ["reserve"], ["escort"]),
    credentials: fc.array(
      fc.record({
        kind: mostly<string>("pin", "pass", "face") as fc.Arbitrary<CredentialKind>,
        value: mostly("one", "two"),
        revoked: fc.nat(4).map((n) => n === 0),
      }),
      { minLength: 1, maxLength: 3 },
    ),
  })
  .map(({ hours, credentials, ...facts }) => ({
    ...aGrant("to be named"),
    ...facts,
    ...(hours && {
      schedule: { windows: [{ days: [1, 2, 3, 4, 5, 6, 7] as const, from: hours[0]!, until: hours[1]! }] },
    }),
    credentials: credentials.map(({ kind, value, revoked }, n) => aCredential(value, { id: `${n}`, kind, revoked })),
  }));

const worlds = fc
  .record({
    grants: fc.array(fc.tuple(grants, fc.nat(2), fc.nat(9)), { minLength: 1, maxLength: 4 }),
    lockdown: fc.nat(19).map((n) => n === 0),
    blacklist: fc.subarray(["person/ann", "document/document of bob", "grant/grant-1", "credential/0 of grant-0"], {
      maxLength: 1,
    }),
    sticky: fc.subarray(["grant-2", "1 of grant-0"], { maxLength: 1 }),
  })
  .map(({ grants, ...rest }) => ({
    ...rest,
    grants: grants.map(([grant, granted, withdrawn], n) => ({
      granted,
      grant: {
        ...grant,
        id: `grant-${n}`,
        revoked: withdrawn === 0,
        credentials: grant.credentials.map((one) => ({ ...one, id: `${one.id} of grant-${n}` })),
      },
    })),
  }));
type World = typeof worlds extends fc.Arbitrary<infer T> ? T : never;

const requests: fc.Arbitrary<AccessRequest> = fc.record({
  accessPoint: mostly("front", "back", "cellar"),
  presented: fc.record({
    kind: mostly<string>("pin", "pass", "face") as fc.Arbitrary<CredentialKind>,
    index: mostly("one", "two", "three").map((value) => aCredential(value).index),
  }),
});

const circumstances: fc.Arbitrary<Circumstances> = fc.record({
  time: fc
    .tuple(moment, fc.constantFrom(0, 0, 1, 2 * hour, Number.POSITIVE_INFINITY))
    .map(([earliest, width]) => ({ earliest, latest: earliest + width })),
  sinceSyncMs: mostly<number | null>(0, null, 30_000, hour, hour + 1, aDay, aDay + 1),
  lockedOutMs: fc.constantFrom(0, 0, 0, 1),
});

function recordsOf(world: World): SiteRecords {
  const records = new SiteRecords("gateway-1", ["front", "back"]);
  const rows: FeedRow[] = [
    siteRow(aSite({ lockdown: world.lockdown })),
    { kind: "gone", of: "grant", id: "long-gone", ver: 1, sum: "", revoked: world.sticky },
    ...world.blacklist.map((entry) => {
      const [subject, value] = entry.split("/");
      return blacklistRow(entry, subject as "person", value!);
    }),
    ...world.grants.map(({ grant, granted }) => grantRow(grant, 1, granted)),
  ];
  records.apply({ kind: "page", page: aPage(rows), at: 0 }, 0, 1);
  return records;
}

/** Whether any grant of the world lets this request in; written without a look at decide.ts. */
function mayOpen(world: World, { accessPoint, presented }: AccessRequest, now: Circumstances): boolean {
  const maxAge: Record<string, number> = { stay: Number.POSITIVE_INFINITY, visitor: aDay, delivery: hour };
  const banned = (what: string) => world.blacklist.includes(what);
  if (world.lockdown || accessPoint === "cellar") return false;
  if (now.lockedOutMs > 0) return false;
  return world.grants.some(({ grant, granted }) =>
    grant.credentials.some(
      (credential) =>
        credential.index === presented.index &&
        credential.kind === presented.kind &&
        ["pin", "pass"].includes(credential.kind) &&
        ["stay", "visitor", "delivery"].includes(grant.kind) &&
        !grant.mustUnderstand?.length &&
        !(grant.revoked || credential.revoked || world.sticky.some((id) => id === grant.id || id === credential.id)) &&
        !banned(`person/${grant.holder.id}`) &&
        !banned(`document/${grant.holder.document}`) &&
        !banned(`grant/${grant.id}`) &&
        !banned(`credential/${credential.id}`) &&
        grant.accessPoints.includes(accessPoint) &&
        [now.time.earliest, now.time.latest].every(
          (at) => Number.isFinite(at) && grant.validity.from <= at && at < grant.validity.until && openAt(grant, at),
        ) &&
        (grant.kind === "stay" || (now.sinceSyncMs ?? Number.POSITIVE_INFINITY) <= maxAge[grant.kind]!) &&
        (grant.entriesAllowed === null ||
          (grant.entriesAllowed > 0 &&
            (granted > 0 || (grant.limitMode === "lenient" && granted < grant.entriesAllowed)))),
    ),
  );
}

/** Lisbon in winter keeps UTC. */
function openAt({ schedule }: Grant, at: number): boolean {
  if (!schedule) return true;
  const [hours] = [new Date(at).getUTCHours()];
  switch (schedule.windows[0]!.from) {
    case "00:00":
      return true;
    case "08:00":
      return hours >= 8 && hours < 18;
    case "18:00":
      return hours >= 18 || hours < 8;
    default:
      return false;
  }
}

test("a door opens exactly when a grant lets it", () => {
  const seen = { granted: 0, denied: 0 };
  fc.assert(
    fc.property(worlds, requests, circumstances, (world, request, now) => {
      const { outcome } = decide(request, recordsOf(world), now);
      seen[outcome] += 1;
      assert.equal(outcome === "granted", mayOpen(world, request, now));
    }),
    { numRuns: 5000 },
  );
  assert.ok(seen.granted > 50 && seen.denied > 1000, JSON.stringify(seen));
});

test("taking something away never turns a denial into a grant", () => {
  const takeAway: Record<string, (world: World) => World> = {
    "revoke a grant": (world) => ({ ...world, sticky: [...world.sticky, "grant-0"] }),
    "revoke a credential": (world) => ({ ...world, sticky: [...world.sticky, "0 of grant-1"] }),
    "blacklist a person": (world) => ({ ...world, blacklist: [...world.blacklist, "person/bob"] }),
    "lock the site down": (world) => ({ ...world, lockdown: true }),
    "drop a grant": (world) => ({ ...world, grants: world.grants.slice(1) }),
  };
  fc.assert(
    fc.property(
      worlds,
      requests,
      circumstances,
      fc.constantFrom(...Object.keys(takeAway)),
      (world, request, now, how) => {
        if (decide(request, recordsOf(world), now).outcome === "granted") return;
        assert.equal(decide(request, recordsOf(takeAway[how]!(world)), now).outcome, "denied");
      },
    ),
    { numRuns: 1000 },
  );
});

test("knowing the time or the cloud less well never turns a denial into a grant", () => {
  fc.assert(
    fc.property(worlds, requests, circumstances, fc.nat(2 * aDay), (world, request, now, more) => {
      const records = recordsOf(world);
      if (decide(request, records, now).outcome === "granted") return;
      const { earliest, latest } = now.time;
      const older = { ...now, sinceSyncMs: now.sinceSyncMs === null ? null : now.sinceSyncMs + more };
      assert.equal(decide(request, records, older).outcome, "denied");
      // A schedule may be open at both far ends and shut between; validity has no such holes.
      if (world.grants.some(({ grant }) => grant.schedule)) return;
      const vaguer = { ...now, time: { earliest: earliest - more, latest: latest + more } };
      assert.equal(decide(request, records, vaguer).outcome, "denied");
    }),
    { numRuns: 1000 },
  );
});

test("what was granted passes the second look, unless something was taken away meanwhile", () => {
  const admitted = aGrant("ann", { holder: { id: "ann", name: "Ann", document: "X1" }, entriesAllowed: 1 });
  const request = { accessPoint: "front", presented: { kind: "pin" as const, index: admitted.credentials[0]!.index } };
  const now = { time: { earliest: noon, latest: noon }, sinceSyncMs: 0, lockedOutMs: 0 };
  const meanwhile: Record<string, [FeedRow, string | undefined]> = {
    nothing: [blacklistRow("b", "person", "someone else"), undefined],
    blacklisted: [blacklistRow("b", "document", "X1"), "BLACKLISTED"],
    "the grant revoked": [grantRow({ ...admitted, revoked: true }, 2), "REVOKED"],
    "the grant gone": [{ kind: "gone", of: "grant", id: "ann", ver: 2, sum: "" }, "REVOKED"],
    "the same PIN under a new id": [
      grantRow({ ...admitted, credentials: [{ ...admitted.credentials[0]!, id: "another" }] }, 2),
      "REVOKED",
    ],
    "another door": [grantRow({ ...admitted, accessPoints: ["back"] }, 2), "WRONG_ACCESS_POINT"],
    "validity cut short": [grantRow({ ...admitted, validity: { from: 0, until: noon } }, 2), "QR_EXPIRED"],
    lockdown: [siteRow(aSite({ lockdown: true }), 2), "LOCKDOWN"],
    "the site gone": [{ kind: "gone", of: "site", id: "site-1", ver: 2, sum: "" }, "OFFLINE_STALE"],
  };
  for (const [what, [row, reason]] of Object.entries(meanwhile)) {
    const records = new SiteRecords("gateway-1", ["front", "back"]);
    records.apply({ kind: "page", page: aPage([siteRow(aSite()), grantRow(admitted)]), at: 0 }, 0, 1);
    const decision = decide(request, records, now);
    assert.equal(decision.outcome, "granted");
    records.apply({ kind: "page", page: aPage([row], { to: 2 }), at: 0 }, 0, 1);
    const candidate = { grant: admitted, credential: admitted.credentials[0]! };
    assert.equal(secondLook(candidate, request, records, now), reason, what);
  }
});
