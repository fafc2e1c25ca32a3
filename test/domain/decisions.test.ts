/** Plays every row of gateway/domain/DECISIONS.md against the real records and the real decision. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { ClockInterval } from "../../gateway/domain/clock-interval.ts";
import type { Credential, CredentialKind, PresentedCredential } from "../../gateway/domain/credential.ts";
import { decide, denyReasons } from "../../gateway/domain/decide.ts";
import type { EventBody } from "../../gateway/domain/entry-event.ts";
import type { FeedRow } from "../../gateway/domain/feed.ts";
import type { Grant } from "../../gateway/domain/grant.ts";
import { afterMiss, afterSuccess, type Lockout, lockedOutMs } from "../../gateway/domain/lockout.ts";
import type { ScheduleException, ScheduleWindow, Weekday, WeeklySchedule } from "../../gateway/domain/schedule.ts";
import { placedBy, type SignedPass } from "../../gateway/domain/signed-pass.ts";
import type { Site } from "../../gateway/domain/site.ts";
import { SiteRecords } from "../../gateway/domain/site-records.ts";
import {
  aCredential,
  aDay,
  aGrant,
  anEvent,
  aPage,
  aSite,
  blacklistRow,
  grantRow,
  noon,
  siteRow,
} from "../support/site-fixture.ts";

interface Row {
  readonly section: string;
  readonly cells: ReadonlyMap<string, string>;
}

const page = readFileSync(join(import.meta.dirname, "../../gateway/domain/DECISIONS.md"), "utf8");
const rows = readRows(page);

test("the table is whole: no row and no reason has gone missing", () => {
  // Count the rows anew when you add or remove one on purpose.
  assert.equal(rows.length, 203);
  const told = new Set(rows.map(({ cells }) => cells.get("outcome")));
  assert.deepEqual(
    denyReasons.filter((reason) => !told.has(reason)),
    ["STORAGE_FULL"],
  );
  assert.match(page, /\*\*STORAGE_FULL\*\*/);
  const names = rows.map(({ section, cells }) => `${section}: ${cells.get("case")}`);
  assert.deepEqual(
    names.filter((name, at) => names.indexOf(name) !== at && !name.endsWith("and no more than one")),
    [],
  );
});

for (const { section, cells } of rows) {
  test(`${section}: ${cells.get("case")}`, () => {
    assert.equal(play(cells), cells.get("outcome"));
  });
}

/** What a row may change of the ordinary case. */
class World {
  grant: Grant = aGrant("pat", {
    holder: { id: "pat", name: "Pat Holder", document: "X123" },
    credentials: [
      aCredential("pat-pin", { id: "the PIN" }),
      aCredential("pat-pass", { id: "the QR pass", kind: "pass" }),
      aCredential("pat-link", { id: "the link", kind: "link" }),
      aCredential("pat-card", { id: "the card", kind: "card" }),
    ],
  });
  readonly others: FeedRow[] = [];
  granted: number | undefined;
  site: Site | undefined = aSite();
  /** Pages before the present set, and after it. */
  readonly before: FeedRow[][] = [];
  readonly after: FeedRow[][] = [];
  admissions = 0;
  damaged: "no" | "damaged" | "whole again" = "no";
  time: ClockInterval = { earliest: noon, latest: noon + 1000 };
  sinceSyncMs: number | null = 5000;
  /** How long the reader takes no more of each kind. */
  readonly lockedOutMs: Partial<Record<CredentialKind, number>> = {};
  byGuard = false;
  isArriving = false;
  accessPoint = "front";
  presented: PresentedCredential = { kind: "pin", index: aCredential("pat-pin").index };
  /** A signed pass is presented; see the columns of its section. */
  signed: SignedPass | undefined;
  isRowHere = true;
  neighboursGave = 0;

  change(overrides: Partial<Grant>): void {
    this.grant = { ...this.grant, ...overrides };
  }

  changeCredential(id: string, overrides: Partial<Credential>): void {
    this.change({ credentials: this.grant.credentials.map((one) => (one.id === id ? { ...one, ...overrides } : one)) });
  }

  rows(): FeedRow[] {
    const granted = this.granted ?? this.grant.entriesAllowed ?? 0;
    const row = this.isRowHere ? [grantRow(this.grant, 1, granted)] : [];
    return [...(this.site ? [siteRow(this.site)] : []), ...row, ...this.others];
  }

  records(): SiteRecords {
    const records = new SiteRecords("gateway-1", ["front", "back"]);
    let to = 0;
    const apply = (rows: readonly FeedRow[], reset = false) =>
      records.apply({ kind: "page", page: aPage(rows, { to: ++to, reset }), at: 0 }, 0, 1);
    for (const rows of this.before) apply(rows);
    apply(this.rows());
    for (const rows of this.after) apply(rows);
    if (this.isArriving)
      records.apply({ kind: "page", page: aPage([], { to: ++to, reset: true, complete: false }), at: 0 }, 0, 1);
    const total = this.neighboursGave;
    if (total > 0)
      records.apply(anEvent(98, { type: "rights-received", grant: this.grant.id, from: "gateway-2.1", total }), 0, 1);
    const signed = this.signed &&
      !this.isRowHere && { placed: placedBy(this.signed), until: this.signed.validity.until };
    for (let seq = 1; seq <= this.admissions; seq += 1)
      records.apply(anEvent(seq, { ...admission(this.grant), ...(signed && { signed }) }), 0, 1);
    if (this.damaged !== "no")
      records.apply(anEvent(99, { type: "damage", file: "000001.jsonl", line: 7, lines: 2 }), 0, 1);
    if (this.damaged === "whole again") apply(this.rows(), true);
    return records;
  }
}

/** Each column, and what its words do to the world. */
const columns: Record<string, (cell: string, world: World) => void> = {
  case: () => undefined,
  outcome: () => undefined,
  presented(cell, world) {
    const word = cell.replace(/^(the|an unknown) /, "").replace("PIN as a ", "");
    const kind = pick({ PIN: "pin", "QR pass": "pass", link: "link", card: "card" } as const, word);
    const index = cell.startsWith("an unknown") ? "nobody" : cell.startsWith("the PIN") ? "pat-pin" : `pat-${kind}`;
    world.presented = { kind, index: aCredential(index).index };
  },
  "access point"(cell, world) {
    world.accessPoint = cell;
  },
  "cloud heard"(cell, world) {
    const match = /^([\d.]+) (s|h) ago$/.exec(cell);
    if (!match) assert.equal(cell, "never");
    world.sinceSyncMs = match ? Number(match[1]) * (match[2] === "h" ? 3_600_000 : 1000) : null;
  },
  validity(cell, world) {
    const [from, until] = cell.split(" → ");
    world.change({ validity: { from: instantOf(from), until: instantOf(until) } });
  },
  clock(cell, world) {
    const [earliest, latest] = cell.replace(" or later", "").split(" … ");
    world.time =
      cell === "broken"
        ? { earliest: Number.NaN, latest: Number.NaN }
        : {
            earliest: instantOf(earliest),
            latest: cell.endsWith(" or later") ? Number.POSITIVE_INFINITY : instantOf(latest ?? earliest),
          };
    // The summer rows lie outside of the ordinary validity.
    if (Math.abs(world.time.earliest - noon) > aDay) world.change({ validity: { from: 0, until: 4e12 } });
  },
  zone(cell, world) {
    world.site = aSite({ zone: cell });
  },
  schedule(cell, world) {
    world.change({ schedule: scheduleOf(cell) });
  },
  grant(cell, world) {
    world.change({ kind: cell as Grant["kind"] });
  },
  revoked(cell, world) {
    if (cell === "nothing") return;
    const [what, once] = cell.split(", ");
    const ids = [what === "the grant" ? "pat" : what!];
    if (once === "once") world.before.push([{ kind: "gone", of: "grant", id: "pat", ver: 1, sum: "", revoked: ids }]);
    else if (what === "the grant") world.change({ revoked: true });
    else world.changeCredential(what!, { revoked: true });
  },
  blacklisted(cell, world) {
    if (cell === "nobody") return;
    const [who, ...more] = cell.split(", ");
    const entry = pick(
      {
        "another person": { subject: "person", value: "somebody" },
        "the person": { subject: "person", value: "pat" },
        "the document": { subject: "document", value: "X123" },
        "the grant": { subject: "grant", value: "pat" },
        "the PIN": { subject: "credential", value: "the PIN" },
      } as const,
      who!,
    );
    world.others.push(blacklistRow("first", entry.subject, entry.value));
    if (more.includes("twice")) world.others.push(blacklistRow("second", entry.subject, entry.value));
    if (more.some((word) => word.startsWith("taken off")))
      world.after.push([{ kind: "gone", of: "blacklist", id: "first", ver: 2, sum: "" }]);
  },
  "signed for"(cell, world) {
    const home = pick(
      { "this gate": "here", "another gate": "elsewhere", "this gate, before": "here-before" } as const,
      cell,
    );
    const { id: grant, validity } = world.grant;
    const facts = { grant, validity, accessPoints: ["front"], entries: 1 } as const;
    world.signed = { ...facts, credential: "the QR pass", home, homeGateway: undefined };
    world.presented = { kind: "pass", index: aCredential("nobody").index, signed: world.signed };
  },
  "its row"(cell, world) {
    world.isRowHere = cell.startsWith("has come");
    const gone = (id: string) =>
      world.before.push([{ kind: "gone", of: "grant", id: "pat", ver: 1, sum: "", revoked: [id] }]);
    const changes: Record<string, () => unknown> = {
      "has not come": () => undefined,
      "has come": () => undefined,
      "is arriving": () => {
        world.isArriving = true;
      },
      "cannot be read": () => world.others.push({ kind: "unreadable", of: "grant", id: "pat", ver: 1, sum: "1" }),
      "is gone, revoked": () => gone("pat"),
      "is gone, its code revoked": () => gone("the QR pass"),
      "has come, revoked": () => world.change({ revoked: true }),
      "has come, without this code": () =>
        world.change({ credentials: world.grant.credentials.filter(({ id }) => id !== "the QR pass") }),
    };
    pick(changes, cell)();
  },
  changed(cell, world) {
    const says = (changes: Partial<SignedPass>) => {
      world.signed = { ...world.signed!, ...changes };
      world.presented = { ...world.presented, signed: world.signed };
      if (changes.entries !== undefined) world.change({ entriesAllowed: changes.entries });
    };
    says({ entries: cell.startsWith("three") ? 3 : cell === "no limit" ? null : 1 });
    world.admissions = cell.includes("two used") ? 2 : cell.endsWith("used") ? 1 : 0;
    world.neighboursGave = cell.includes("given by a neighbour") ? 1 : 0;
    const changes: Record<string, () => unknown> = {
      "the back door": () => {
        world.accessPoint = "back";
      },
      over: () => says({ validity: { from: noon - aDay, until: noon - 60_000 } }),
      "not begun": () => says({ validity: { from: noon + 60_000, until: noon + aDay } }),
      "clock not set": () => {
        world.time = { earliest: noon, latest: Number.POSITIVE_INFINITY };
      },
      "cloud silent": () => {
        world.sinceSyncMs = aDay + 1;
      },
      lockdown: () => {
        world.site = aSite({ lockdown: true });
      },
      barred: () => world.others.push(blacklistRow("first", "grant", "pat")),
    };
    if (!/entr|no limit/.test(cell)) pick(changes, cell)();
  },
  "entries allowed"(cell, world) {
    world.change({ entriesAllowed: cell === "unlimited" ? null : Number(cell) });
  },
  "placed here"(cell, world) {
    world.granted = Number(cell);
  },
  "admitted here"(cell, world) {
    world.admissions = Number(cell);
  },
  "over the limit"(cell, world) {
    world.change({ limitMode: pick({ strict: "strict", lenient: "lenient" } as const, cell) });
  },
  records(cell, world) {
    const changes: Record<string, () => void> = {
      'grant of kind "parcel-robot"': () => world.change({ kind: "parcel-robot" as Grant["kind"] }),
      'PIN of kind "face"': () => {
        world.presented = { ...world.presented, kind: "face" as CredentialKind };
        world.changeCredential("the PIN", { kind: "face" as CredentialKind });
      },
      'must understand "escort"': () => world.change({ mustUnderstand: ["escort"] }),
      "a spare that nobody was given": () => world.change({ mustUnderstand: ["reserve"] }),
      'a spare that must understand "escort"': () => world.change({ mustUnderstand: ["reserve", "escort"] }),
      "no offline rule for the kind": () => {
        const { temporary: _, ...others } = aSite().offlineMaxAgeMs;
        world.site = aSite({ offlineMaxAgeMs: others as Site["offlineMaxAgeMs"] });
      },
      damaged: () => {
        world.damaged = "damaged";
      },
      "damaged, then whole again": () => {
        world.damaged = "whole again";
      },
      "no site": () => {
        world.site = undefined;
      },
    };
    pick(changes, cell)();
  },
  site(cell, world) {
    world.site = aSite({ lockdown: pick({ open: false, lockdown: true }, cell) });
  },
  "keypad locked out for"(cell, world) {
    world.lockedOutMs.pin = secondsOf(cell);
  },
  "scanner locked out for"(cell, world) {
    world.lockedOutMs.pass = secondsOf(cell);
  },
  "held to"(cell, world) {
    world.byGuard = pick({ "the reader": false, "a guard's phone": true }, cell);
  },
  "first grant"(cell, world) {
    world.grant = another("pat", cell, world);
  },
  "second grant"(cell, world) {
    const grant = another("kim", cell, world);
    world.others.push(grantRow(grant, 1, 0));
  },
};

/** A grant with Pat's PIN in the state the word says. */
function another(id: string, state: string, world: World): Grant {
  const credentials = [aCredential("pat-pin", { id: `PIN of ${id}` })];
  if (state === "blacklisted") world.others.push(blacklistRow(id, "grant", id));
  if (state === "used up" || state.startsWith("lenient")) world.granted = 0;
  const changes: Record<string, Partial<Grant>> = {
    holds: {},
    blacklisted: {},
    over: { validity: { from: noon - 2 * aDay, until: noon - aDay } },
    "not yet": { validity: { from: noon + aDay, until: noon + 2 * aDay } },
    revoked: { revoked: true },
    elsewhere: { accessPoints: ["back"] },
    "used up": { entriesAllowed: 0 },
    "lenient beyond its rights": { entriesAllowed: 5, limitMode: "lenient" },
  };
  return aGrant(id, { credentials, ...pick(changes, state) });
}

function play(cells: ReadonlyMap<string, string>): string {
  if (cells.has("at the scanner")) return playScanner(cells.get("at the scanner")!);
  if (cells.has("at the keypad")) return playKeypad(cells.get("at the keypad")!);
  return cells.has("at the keypads") ? playKeypads(cells.get("at the keypads")!) : playDoor(cells);
}

function playDoor(cells: ReadonlyMap<string, string>): string {
  const world = new World();
  for (const [column, cell] of cells) pick(columns, column)(cell, world);
  const { accessPoint, presented, time, sinceSyncMs } = world;
  const circumstances = { time, sinceSyncMs, lockedOutMs: (!world.byGuard && world.lockedOutMs[presented.kind]) || 0 };
  const decision = decide({ accessPoint, presented }, world.records(), circumstances);
  if (decision.outcome === "denied") return decision.reason;
  return ["granted", ...(decision.left === null ? [] : [`${decision.left} left`]), ...decision.flags].join(", ");
}

function playKeypad(steps: string): string {
  let [lockout, now]: [Lockout | undefined, number] = [undefined, 1000];
  for (const step of steps.split(", ")) {
    const match = /^(\d+) (wrong|right|s pass)$/.exec(step);
    assert.ok(match, `what does "${step}" mean?`);
    const count = Number(match[1]);
    if (match[2] === "s pass") now += count * 1000;
    else
      for (let n = 0; n < count; n += 1)
        lockout = match[2] === "wrong" ? afterMiss("pin", lockout, now) : afterSuccess("pin", lockout, now);
  }
  return lockedOut(lockedOutMs(lockout, now));
}

/** On the records, by the events that a gateway writes. */
function playKeypads(steps: string): string {
  const records = new SiteRecords("gateway-1", ["front", "back"]);
  records.apply({ kind: "page", page: aPage([siteRow(aSite())]), at: 0 }, 0, 1);
  let [seq, now, elsewhere] = [0, 1000, 0];
  const tell = (body: EventBody) => records.apply(anEvent(++seq, body, { mono: now }), now, 1);
  const wrong = (accessPoint: string) =>
    tell({ type: "denied", accessPoint, reason: "QR_NOT_FOUND", via: "pin", revision: 1 });
  for (const step of steps.split(", ")) {
    const match = /^(\d+) (wrong elsewhere|wrong here|right here|wrong and right here|s pass)$/.exec(step);
    assert.ok(match, `what does "${step}" mean?`);
    const [count, what] = [Number(match[1]), match[2]!];
    if (what === "s pass") now += count * 1000;
    else
      for (let n = 0; n < count; n += 1) {
        if (what.startsWith("wrong")) wrong(what.endsWith("elsewhere") ? `elsewhere-${++elsewhere}` : "front");
        if (what.endsWith("right here")) tell(admission(aGrant("pat")));
      }
  }
  return lockedOut(records.attempts.lockedOutMs("pin", "front", now));
}

/** On the records, by the events that a gateway writes. */
function playScanner(steps: string): string {
  const records = new SiteRecords("gateway-1", ["front", "back"]);
  records.apply({ kind: "page", page: aPage([siteRow(aSite())]), at: 0 }, 0, 1);
  let [seq, now, elsewhere] = [0, 1000, 0];
  const tell = (body: EventBody) => records.apply(anEvent(++seq, body, { mono: now }), now, 1);
  const denied: EventBody & { type: "denied" } = {
    ...{ type: "denied", accessPoint: "front", reason: "QR_NOT_FOUND", via: "pass", revision: 1 },
  };
  const scan = { staff: "person-rosa" };
  const acts: Record<string, () => void> = {
    wrong: () => tell(denied),
    "wrong, the cloud silent": () => tell({ ...denied, reason: "OFFLINE_NO_CACHE" }),
    "wrong elsewhere": () => tell({ ...denied, accessPoint: `elsewhere-${++elsewhere}` }),
    "wrong to a guard": () => tell({ ...denied, scan }),
    "wrong PINs": () => tell({ ...denied, via: "pin" }),
    over: () => tell({ ...denied, reason: "QR_EXPIRED", grant: "pat" }),
    "used up": () => tell({ ...denied, reason: "LIMIT_REACHED", grant: "pat" }),
    revoked: () => tell({ ...denied, reason: "REVOKED", grant: "pat" }),
    "at a wrong gate": () => tell({ ...denied, reason: "WRONG_ACCESS_POINT", grant: "pat" }),
    right: () => tell({ ...admission(aGrant("pat")), via: "pass" }),
    "right to a guard": () => tell({ ...admission(aGrant("pat")), via: "pass", scan }),
  };
  for (const step of steps.split("; ")) {
    const match = /^(\d+) (.*)$/.exec(step);
    assert.ok(match, `what does "${step}" mean?`);
    if (match[2] === "s pass") now += Number(match[1]) * 1000;
    else for (let n = 0; n < Number(match[1]); n += 1) pick(acts, match[2]!)();
  }
  return lockedOut(records.attempts.lockedOutMs("pass", "front", now));
}

function lockedOut(lockedMs: number): string {
  return lockedMs === 0 ? "open" : `locked out for ${lockedMs / 1000} s`;
}

function admission(grant: Grant): EventBody & { type: "admitted" } {
  return {
    type: "admitted",
    accessPoint: "front",
    grant: grant.id,
    credential: "the PIN",
    via: "pin",
    left: null,
    revision: 1,
  };
}

function scheduleOf(text: string): WeeklySchedule {
  const windows: ScheduleWindow[] = [];
  const exceptions: ScheduleException[] = [];
  for (const part of text === "never" ? [] : text.split(", ")) {
    const [day, hours] = part.split(" ");
    const [from = "", until = ""] = hours!.split("-");
    const date = /^\d{4}-/.test(day!);
    if (date) exceptions.push({ date: day!, windows: hours === "closed" ? [] : [{ from, until }] });
    else windows.push({ days: [pick({ Mon: 1, Tue: 2, Sun: 7 } as Record<string, Weekday>, day!)], from, until });
  }
  return { windows, ...(exceptions.length > 0 && { exceptions }) };
}

function instantOf(text: string | undefined): number {
  const instant = Date.parse(`${text?.replace(" ", "T")}Z`);
  assert.ok(Number.isFinite(instant), `"${text}" is no time`);
  return instant;
}

function secondsOf(text: string): number {
  const match = /^(\d+) s$/.exec(text);
  assert.ok(match, `"${text}" is no number of seconds`);
  return Number(match[1]) * 1000;
}

function pick<T>(table: Readonly<Record<string, T>>, word: string): T {
  assert.ok(Object.hasOwn(table, word), `the table knows no "${word}"`);
  return table[word]!;
}

function readRows(markdown: string): Row[] {
  const found: Row[] = [];
  let section = "";
  let header: string[] | undefined;
  for (const line of markdown.split("\n")) {
    if (line.startsWith("## ")) section = line.slice(3);
    if (!line.startsWith("|")) {
      header = undefined;
      continue;
    }
    const cells = line
      .slice(1, -1)
      .split("|")
      .map((cell) => cell.trim());
    if (!header) header = cells;
    else if (!/^-+$/.test(cells[0]!)) {
      assert.equal(cells.length, header.length, line);
      found.push({ section, cells: new Map(header.map((name, at) => [name, cells[at]!])) });
    }
  }
  return found;
}
