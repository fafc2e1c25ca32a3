/**
 * Alarms of stays: raised once for each booking or source and kind, told to whoever may do something about it, settled by hand or with their
 * cause. The API asks here who may do what.
 */
import type { Instant } from "../gateway/domain/instant.ts";
import type { Asker } from "./asker.ts";
import type { CloudParts } from "./cloud-parts.ts";
import { type Actor, may, reachOf, roles, sitesOf } from "./domain/permissions.ts";
import { type AlarmKind, toldOnceKinds } from "./domain/stay-alarms.ts";
import { newId } from "./ids.ts";
import { chosenSite } from "./own-grants.ts";
import { demandMay } from "./routes/asks.ts";
import { notFound } from "./routes/shapes.ts";
import { recordAudit } from "./store/audit-trail.ts";
import { putAlarmOut } from "./store/notices.ts";
import { listPeople, type Person } from "./store/people.ts";
import {
  type AlarmFilter,
  type AlarmRow,
  endAlarms,
  findAlarm,
  listAlarms,
  lockAlarm,
  raise,
  writeAlarm,
} from "./store/stay-alarms.ts";
import type { Transaction } from "./store/store.ts";

/** Whose work the stays of a site are. */
const lookingAfter = roles.filter((role) => reachOf({ role }, "stays.change") === "site");
/** Beyond these nobody more is told of one alarm. */
const toldMax = 50;
const detailCharactersMax = 8_000;

export type AlarmSubject = { readonly booking: string } | { readonly source: string };

export type Alarm = AlarmSubject & {
  readonly site: string;
  readonly kind: AlarmKind;
  /** Left out: 1. People are told again when it rises. */
  readonly level?: number;
  /** What it rests on: JSON, without secrets. */
  readonly detail: Readonly<Record<string, unknown>>;
};

const aboutOf = (subject: AlarmSubject) => ("booking" in subject ? subject.booking : subject.source);

/** Once for each booking, or source, and kind while it is open. false: it stands already, at this level or a higher one. */
export async function raiseAlarm(tx: Transaction, alarm: Alarm, now: Instant): Promise<boolean> {
  const { site: siteId, kind, level = 1 } = alarm;
  const text = JSON.stringify(alarm.detail);
  const detail = text.length > detailCharactersMax ? JSON.stringify({ tooLong: text.length }) : text;
  const row = await raise(tx, { siteId, id: newId("alarm"), kind, about: aboutOf(alarm), level, detail }, now);
  if (!row) return false;
  for (const person of await whomToTell(tx, siteId)) await putAlarmOut(tx, row, person.id, now);
  return true;
}

/** The cause of these kinds is gone. Answers how many alarms were open. */
export function endCauses(
  tx: Transaction,
  { site, kinds, ...subject }: AlarmSubject & { readonly site: string; readonly kinds: readonly AlarmKind[] },
  now: Instant,
): Promise<number> {
  return endAlarms(tx, site, aboutOf(subject), kinds, now);
}

/** Whoever belongs to the site and may change its stays; where nobody does, administrators. */
async function whomToTell(tx: Transaction, site: string): Promise<readonly Person[]> {
  const theirs: Person[] = [];
  // By role: among the many who live there these few would not be found.
  for (const role of lookingAfter) theirs.push(...(await listPeople(tx, { site, role, limit: toldMax })));
  const told = theirs.filter((person) => isToBeTold(person, site));
  if (told.length > 0) return told.slice(0, toldMax);
  const admins = await listPeople(tx, { role: "admin", limit: toldMax });
  return admins.filter((person) => isToBeTold(person, site));
}

export function isToBeTold(person: Person, site: string): boolean {
  return person.disabledAt === null && may(person, "stays.change", { site });
}

export interface AlarmsPage {
  readonly items: readonly AlarmRow[];
  /** Where the next page begins. */
  readonly next: AlarmFilter["after"];
}

export class StayAlarms {
  readonly #parts: CloudParts;

  constructor(parts: CloudParts) {
    this.#parts = parts;
  }

  /** The newest first; of the site, or of all that the actor may see. */
  async list(
    actor: Actor,
    { site, limit, ...filter }: Omit<AlarmFilter, "sites"> & { readonly site?: string | undefined },
  ): Promise<AlarmsPage> {
    const { db } = this.#parts.store;
    const sites =
      site === undefined
        ? sitesOf(actor, "stays.read")
        : [(await chosenSite(db, actor, "stays.read", site, "query")).id];
    const all = await listAlarms(db, { ...filter, sites, limit: limit + 1 });
    const items = all.slice(0, limit);
    const last = all.length > limit ? items.at(-1) : undefined;
    return { items, next: last && { raisedAt: last.raisedAt, id: last.id } };
  }

  /** Somebody has seen to it. What is watched is raised anew only when it gets worse, or comes back. The same once more changes nothing. */
  async settle({ actor, from }: Asker, id: string): Promise<AlarmRow> {
    const { store, clock, logger } = this.#parts;
    const seen = await findAlarm(store.db, id);
    if (!seen) throw notFound(`alarm ${id}`);
    const { siteId: site } = seen;
    demandMay(actor, "stays.change", { site, madeBy: "" }, `alarm ${id}`);
    const after = await store.transaction(async (tx) => {
      const row = await lockAlarm(tx, site, id);
      if (!row) throw notFound(`alarm ${id}`);
      if (row.settledAt !== null) return row;
      const now = clock.wall();
      const isTold = toldOnceKinds.includes(row.kind);
      const settled = await writeAlarm(tx, row, {
        settledAt: now,
        settledBy: actor.id,
        endedAt: isTold ? now : row.endedAt,
      });
      const facts = { before: factsOf(row), after: factsOf(settled) };
      await recordAudit(tx, { site, actor: actor.id, from, action: "alarms.settle", thing: id, ...facts }, now);
      return settled;
    });
    logger.info("alarm-settled", { site, alarm: id, by: actor.id });
    return after;
  }
}

const factsOf = ({ kind, about, level, settledAt }: AlarmRow) => ({ kind, about, level, settledAt });
