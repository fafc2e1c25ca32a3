/** The status page in words: what a device is in trouble with, and every event the gateway writes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { DenyReason } from "../../gateway/domain/decide.ts";
import { denialTexts, type Language } from "../../gateway/domain/denial-text.ts";
import type { EntryEvent, EventBody, EventStamp } from "../../gateway/domain/entry-event.ts";
import type { GrantKind } from "../../gateway/domain/grant.ts";
import type { GatewayStatus } from "../../gateway/http/status.ts";
import { StatusBody } from "../../gateway/http/status-page.tsx";
import { everyEvent } from "../support/every-event.ts";
import { noon } from "../support/site-fixture.ts";

const stamp = { seq: 1, at: noon, clock: "synced", boot: 1, mono: 0 } as const;

test("a device whose boot number is in doubt is marked, another is not", () => {
  const page = pageOf({ bootDoubted: true });
  assert.match(page, /box-1.*boot number in doubt/s);
  assert.doesNotMatch(pageOf({}), /in doubt/);
});

test("that somebody seems to guess PINs stands over the doors while it does", () => {
  const page = (budgetSpent: boolean) =>
    pageOf({}, [], {}, [], { lastDay: 43, keypads: 6, budget: 40, budgetSpent }).replaceAll(/\s+/g, " ");
  assert.match(page(true), /guessing<.*43 wrong PINs at 6 keypads within a day/);
  assert.doesNotMatch(page(false), /guessing/);
});

for (const language of ["en", "es"] as const)
  for (const body of everyEvent)
    test(`the event "${body.type}" is told in words, in ${language}`, () => {
      const words = eventIn(pageOf({}, [{ ...stamp, ...body }], {}, [], undefined, {}, language));
      assert.doesNotMatch(words, /undefined|null|\[object/);
      assert.ok(words.length > 10, words);
    });

test("that somebody seems to guess passes stands over the doors, and how long a scanner takes none beside its door", () => {
  const door = { id: "gate", name: "Gate", lock: "relay", bolt: "secured", basis: "assumed", door: "unknown" } as const;
  const page = (budgetSpent: boolean, passesLockedOutMs: number) =>
    pageOf({}, [], {}, [], undefined, {
      wrongPasses: { lastDay: 203, scanners: 1, budget: 200, budgetSpent },
      accessPoints: [{ ...door, lockedOutMs: 0, passesLockedOutMs, heldOpenUntil: null }],
    }).replaceAll(/\s+/g, " ");
  assert.match(page(true, 60_000), /guessing<.*203 wrong passes at 1 scanner within a day.*passes locked out for 60 s/);
  assert.doesNotMatch(page(false, 0), /guessing|locked out/);
});

for (const reason of Object.keys(denialTexts) as DenyReason[])
  test(`the denial ${reason} is told in words`, () => {
    const denied: EventBody = { type: "denied", accessPoint: "front", reason, via: "pin", revision: 4 };
    const told = eventIn(pageOf({}, [{ ...stamp, ...denied, lockedOutMs: 30_000, heldAt: "North gate" }]));
    assert.match(told, /front: denied\. [A-Z][a-z]+ .*Held at: North gate\. Keypad locked out for 30 s\./);
    assert.doesNotMatch(told, /[A-Z]{3,}/);
  });

test("the whole page is in the language that was chosen", () => {
  const page = pageOf({}, [], {}, [], undefined, {}, "es");
  assert.match(page, /Nube.*Puertas.*Dispositivos.*Sin la nube.*Últimos sucesos/s);
  assert.doesNotMatch(page, /Doors|Devices|cloud|unknown|online/);
});

test("outcomes are told in words, each its own", () => {
  const told = (body: EventBody) => eventIn(pageOf({}, [{ ...stamp, ...body }]));
  const outcomes = [
    ...(["accepted", "confirmed", "unknown"] as const).map((result) =>
      told({ type: "released", of: 1, accessPoint: "front", result }),
    ),
    ...(["revoked", "refused", "stopped"] as const).map((why) =>
      told({ type: "void", of: 1, accessPoint: "front", grant: "grant-1", why }),
    ),
    ...(["accepted", "confirmed", "refused", "unknown", "expired"] as const).map((result) =>
      told({ type: "command-ended", command: 5, accessPoint: "front", result }),
    ),
  ];
  assert.equal(new Set(outcomes).size, outcomes.length);
  for (const words of outcomes) assert.match(words, /front: \w+( \w+)+/);
});

test("how old the records are is said for what it is: next to nothing online, all there is offline", () => {
  const cloud = (sync: Partial<GatewayStatus["sync"]>) => /<h3>Cloud.*?<\/article>/s.exec(pageOf({}, [], sync))?.[0];
  const lastSyncAgoMs = 24_000;
  assert.match(cloud({ lastSyncAgoMs }) ?? "", /changes arrive at once; records no older than 24 s/);
  assert.match(cloud({ state: "offline", lastSyncAgoMs }) ?? "", /the records here are of 24 s ago/);
  assert.doesNotMatch(cloud({ state: "never", lastSyncAgoMs: null }) ?? "", /small|records here are/);
});

test("other gateways are listed with how they are seen, and no heading stands over none", () => {
  const ways = ["reachable", "unreachable", "not-tried", "off"] as const;
  const ago = { reachable: 41_000, unreachable: 180_000, "not-tried": null, off: 180_000 };
  const page = pageOf(
    {},
    [],
    {},
    ways.map((lan) => ({ id: `gw-${lan}`, name: `Gate ${lan}`, lan, seenAgoMs: ago[lan] })),
  );
  assert.match(page, /Gate reachable <span class="tag good">seen on the LAN<.span> <small>last seen 41 s ago</);
  assert.match(
    page,
    /Gate unreachable <span class="tag bad">not seen on the LAN[^<]*<.span> <small>last seen 3 min ago</,
  );
  assert.match(page, /Gate not-tried <span class="tag warn">not looked for yet/);
  assert.match(page, /Gate off <span class="tag warn">not on the LAN for each other<.span> <.li>/);
  assert.doesNotMatch(pageOf({}), /Other gateways/);
});

test("since when a device is connected is told unless the machine's clock was wrong then", () => {
  assert.match(pageOf({ since: noon - 30_000 }), /online<\/span> <small>since 4 Mar 2031, 11:59:30/);
  for (const since of [0, noon - 86_400_000, noon + 86_400_000])
    assert.doesNotMatch(pageOf({ since }), /<small>since/, String(since));
});

test("a time that is not known is not told as one", () => {
  const started = (at: number, clock: EventStamp["clock"]) =>
    pageOf({}, [{ ...stamp, at, clock, type: "boot", version: "1.0.0", cutBytes: 0 }]);
  assert.match(started(0, "unset"), /time unknown<.*gateway started/s);
  assert.doesNotMatch(started(0, "unset"), /1970/);
  assert.match(started(noon, "unset"), /not before 4 Mar 2031, 12:00:00<.*gateway started/s);
  assert.doesNotMatch(started(noon, "synced"), /not before/);
});

test("a gateway the cloud does not take any more says so, and why", () => {
  const cloud = (state: GatewayStatus["sync"]["state"]) =>
    /<article class="bad"><h3>Cloud.*?<\/article>/s.exec(pageOf({}, [], { state }))?.[0] ?? "";
  assert.match(cloud("revoked"), /has revoked this gateway: enrol it anew/);
  assert.match(cloud("fenced"), /another gateway has taken this one.*switch this one off/);
  assert.match(cloud("forked"), /does it run twice/);
});

test("a gateway out of service says until when it still admits; one in service does not", () => {
  const lasting = (worksForMs: number | null, kind: GrantKind): GatewayStatus["offline"][number] => ({
    kind,
    worksForMs,
    worksUntil: worksForMs ? noon + worksForMs : null,
  });
  const hour = 3_600_000;
  const told = (state: GatewayStatus["sync"]["state"], offline: GatewayStatus["offline"]) =>
    /<h3>Cloud.*?<\/article>/s.exec(pageOf({}, [], { state }, [], undefined, { offline }))?.[0] ?? "";
  const some = [lasting(null, "stay"), lasting(2 * hour, "visitor"), lasting(hour, "delivery"), lasting(0, "staff")];

  assert.match(told("revoked", some), /admits until 4 Mar 2031, 14:00:00 \S+ at the latest; stay until their own end/);
  assert.match(told("fenced", [lasting(0, "visitor")]), /its records admit nobody any more/);
  assert.doesNotMatch(told("offline", some), /admits until/);
});

test("a disk that is nearly full is warned of while the journal still writes, with what comes then", () => {
  const journalOf = (disk: GatewayStatus["disk"], state: GatewayStatus["journal"]["state"] = "open") => {
    const change = { disk, journal: { state, durableSeq: 7 } };
    return /<article[^>]*><h3>Journal.*?<\/article>/s.exec(pageOf({}, [], {}, [], undefined, change))?.[0] ?? "";
  };
  assert.match(journalOf({ freeBytes: 5e9, low: false }), /class="good".*writing<small>7 events, 5\.0 GB free/);
  assert.match(
    journalOf({ freeBytes: 3_200_000, low: true }),
    /class="warn".*nearly full, make room: entries go on .* then nobody is admitted<small>7 events, 3\.2 MB free/,
  );
  assert.match(journalOf({ freeBytes: 0, low: true }, "full"), /class="bad".*no room on the disk/);
});

test("a boot number in doubt and a press without an answer are told with what matters", () => {
  const of = (type: string) => {
    const body = everyEvent.find((one) => one.type === type)!;
    return eventIn(pageOf({}, [{ ...stamp, ...body }]));
  };
  assert.match(of("boot-doubted"), /box-1: its boot number should be 3 and is also 9/);
  assert.match(of("unanswered"), /front: a press got no answer, the gateway stopped before it was decided/);
  assert.match(of("command-taken"), /front: remote identify by admin/);
});

test("one is told as one, and more as more", () => {
  const toldOf = (count: number) => {
    const change = { journal: { state: "open" as const, durableSeq: count }, records: { rows: count, suspect: false } };
    return pageOf({}, [], { queue: count }, [], undefined, change);
  };
  for (const words of [/1 event waits for the cloud/, /1 event, /, /1 row</]) assert.match(toldOf(1), words);
  for (const words of [/2 events wait for the cloud/, /2 events, /, /2 rows</]) assert.match(toldOf(2), words);
});

function eventIn(page: string): string {
  return /<li value="1">.*?<\/time>(.*?)<\/li>/s.exec(page)?.[1] ?? "";
}

function pageOf(
  device: Partial<GatewayStatus["devices"][number]>,
  events: readonly EntryEvent[] = [],
  sync: Partial<GatewayStatus["sync"]> = {},
  peers: GatewayStatus["peers"] = [],
  wrongPins: GatewayStatus["wrongPins"] = { lastDay: 0, keypads: 0, budget: 40, budgetSpent: false },
  change: Partial<GatewayStatus> = {},
  language: Language = "en",
): string {
  const status: GatewayStatus = {
    gateway: { id: "gateway-1", name: "Harbour gateway" },
    site: null,
    version: "1.0.0",
    uptimeMs: 60_000,
    clock: { trust: "synced", earliest: noon, latest: noon + 5 },
    sync: { state: "online", lastSyncAgoMs: 1_000, cursor: { feed: "feed-1", version: 4 }, queue: 0, ...sync },
    journal: { state: "open", durableSeq: 1 },
    disk: { freeBytes: 5e9, low: false },
    records: { rows: 1, suspect: false },
    wrongPins,
    wrongPasses: { lastDay: 0, scanners: 0, budget: 200, budgetSpent: false },
    offline: [],
    accessPoints: [],
    devices: [{ id: "box-1", driver: "mqtt-lockbox", link: "online", since: noon, ...device }],
    peers,
    ...change,
  };
  return String(StatusBody({ status, events, language }));
}
