/**
 * Visitors' passes: a resident invites, the guest shows a QR code. Each is a grant of the kind "visitor" with a pass for its credential. The API
 * and the pages both call these; who may do what is asked here.
 */
import type { Grant, PersonRef, Validity } from "../gateway/domain/grant.ts";
import type { SecretString } from "../gateway/wire/secret.ts";
import type { SignedText } from "../gateway/wire/signed-pass.ts";
import { fieldProblem, HttpProblem } from "../web/problem.ts";
import type { Asker } from "./asker.ts";
import { grantFacts } from "./audit-facts.ts";
import type { CloudParts } from "./cloud-parts.ts";
import { createGrant } from "./create-grant.ts";
import { type Action, type Actor, may, ownOnly } from "./domain/permissions.ts";
import { chosenPoints, doorsOf, type OnesPage, type OnesQuery, OwnGrants, type Transact } from "./own-grants.ts";
import { type Pass, type PassChange, spanOf, toPass, type WantedPass, yearAfter } from "./pass.ts";
import { guardOf, isLearntLate, photoPath } from "./pass-history.ts";
import { signedFormOf } from "./sign-pass.ts";
import { recordAudit } from "./store/audit-trail.ts";
import { listedOf } from "./store/blacklist.ts";
import { type EventRow, listEvents } from "./store/events.ts";
import { changeGrant, type GrantRow, keepCodes, toGrant } from "./store/grants.ts";
import { makePassLink, readPassLink } from "./store/pass-links.ts";
import { namesOf } from "./store/people.ts";
import { readSite, type SiteRow } from "./store/sites.ts";
import { staffEverOf } from "./store/staff.ts";
import type { Queries } from "./store/store.ts";

/** The newest of what happened with a pass. */
const historyMax = 200;
/** What its host is told of it. */
export const historyTypes = ["admitted", "void", "denied", "turned-away", "left"] as const;

export interface HistoryEvent extends Pick<EventRow, "at" | "receivedAt" | "accessPoint" | "reason"> {
  readonly type: (typeof historyTypes)[number];
  /** The guard's name; null: nobody of the site's staff, or nobody at all. */
  readonly guard: string | null;
  readonly isLate: boolean;
  /** Path of the photo that was taken; null: none was. */
  readonly photo: string | null;
}

export class Passes {
  readonly #parts: CloudParts;
  readonly #ones: OwnGrants;

  constructor(parts: CloudParts) {
    this.#parts = parts;
    this.#ones = new OwnGrants(parts, "visitor", "pass");
  }

  /** Newest first, of the site or of all that the actor may see; a resident's own alone. */
  async list(
    actor: Actor,
    query: OnesQuery,
  ): Promise<{ readonly items: readonly Pass[]; readonly next: OnesPage["next"] }> {
    const { found, next } = await this.#ones.list(actor, "passes.read", query);
    const rows = found.map(({ row }) => row);
    return { items: await this.#shown(actor, rows), next };
  }

  async read(actor: Actor, id: string): Promise<Pass> {
    const { row } = await this.#ones.find(actor, "passes.read", id);
    const [pass] = await this.#shown(actor, [row]);
    return pass!;
  }

  /** What stands in its QR code, for whoever may hand it out. */
  async uid(actor: Actor, id: string): Promise<string> {
    const { row } = await this.#ones.find(actor, "passes.change", id);
    if (row.revokedAt !== null)
      throw new HttpProblem(409, "withdrawn", "It was withdrawn: its code lets nobody in. Invite again.");
    const [pass] = await this.#shown(actor, [row]);
    if (pass?.recordUid == null) throw new HttpProblem(409, "no-uid", "It has no code that could be shown.");
    return pass.recordUid;
  }

  /** Its second form; undefined: it has none now (sign-pass.ts). */
  async signed(actor: Actor, id: string): Promise<SignedText | undefined> {
    const { row } = await this.#ones.find(actor, "passes.change", id);
    const site = await readSite(this.#parts.store.db, row.siteId);
    return site && signedFormOf(this.#parts, row, site);
  }

  /** What stands in the address at which its visitor sees it; undefined: none was made, or what it held is forgotten. */
  async link(actor: Actor, id: string): Promise<SecretString | undefined> {
    const { store, siteKeys } = this.#parts;
    const { row } = await this.#ones.find(actor, "passes.change", id);
    return readPassLink(store.db, row, await siteKeys.seal(store.db, row.siteId));
  }

  /** The one there was leads nowhere from then on. */
  async renewLink({ actor, from }: Asker, id: string): Promise<SecretString> {
    const { store, siteKeys, clock } = this.#parts;
    const { row } = await this.#ones.find(actor, "passes.change", id);
    if (row.revokedAt !== null) throw fieldProblem("path.id", "it was withdrawn; make a new one", 409);
    const seal = await siteKeys.seal(store.db, row.siteId);
    await store.transaction(async (tx) => {
      await makePassLink(tx, row, seal, clock.wall());
      const entry = { site: row.siteId, actor: actor.id, from, action: "passes.renew-link", thing: id };
      await recordAudit(tx, entry, clock.wall());
    });
    return (await readPassLink(store.db, row, seal))!;
  }

  /** Answers its id. */
  async create(
    { actor, from: origin }: Asker,
    site: SiteRow,
    wanted: WantedPass,
    transact: Transact = (work) => this.#parts.store.transaction(work),
  ): Promise<string> {
    const { store, siteKeys, clock, logger } = this.#parts;
    const seal = await siteKeys.seal(store.db, site.id);
    const visitor = wanted.again === undefined ? undefined : await this.#visitorOf(actor, site.id, wanted.again);
    const id = await transact(async (tx) => {
      const now = clock.wall();
      const accessPoints = await chosenPoints(tx, site.id, wanted.accessPoints);
      await doorsOf(tx, site.id, accessPoints);
      const validity = spanOf(wanted.validity, now, site.zone);
      if (validity.until <= now) throw fieldProblem("body.until", "lies in the past");
      if (validity.from >= validity.until) throw fieldProblem("body.from", "must be before the end");
      demandWithinYear(validity, site.zone);
      const { visitorName, visitorType, documentNum, notes, entriesAllowed, windows } = wanted;
      const host = hostOf(actor, wanted.host);
      const { grant } = await createGrant(
        tx,
        seal,
        {
          site: site.id,
          kind: "visitor",
          createdBy: actor.id,
          holder: { ...visitor, name: visitorName, ...(documentNum !== undefined && { document: documentNum }) },
          ...(host && { host }),
          accessPoints,
          validity,
          ...(windows && { schedule: { windows } }),
          entriesAllowed,
          limitMode: "strict",
          credentials: [{ kind: "pass" }],
          about: { visitorType, ...(notes !== undefined && { notes }) },
        },
        now,
      );
      await makePassLink(tx, { siteId: site.id, id: grant.id }, seal, now);
      const entry = { site: site.id, actor: actor.id, from: origin, action: "passes.create", thing: grant.id };
      await recordAudit(tx, { ...entry, after: grantFacts(grant) }, now);
      return grant.id;
    });
    logger.info("pass-created", { site: site.id, grant: id, by: actor.id });
    return id;
  }

  async change(asker: Asker, id: string, change: PassChange): Promise<void> {
    await this.#ones.alter(asker, "passes.change", id, "passes.change", async (tx, row, now) => {
      if (row.revokedAt !== null) throw fieldProblem("path.id", "it was withdrawn; make a new one", 409);
      const before = toGrant(row);
      const { until: wanted = row.validUntil } = change;
      // A moment that has passed means now, and nothing to what has ended before.
      const until = wanted > now ? wanted : Math.min(now, row.validUntil);
      if (until <= row.validFrom) throw fieldProblem("body.until", "is before it begins; withdraw the pass instead");
      if (until > row.validUntil) demandWithinYear({ from: row.validFrom, until }, await zoneOf(tx, row.siteId));
      const { entriesAllowed = before.entriesAllowed } = change;
      const holder = personWith(before.holder, change);
      const about = {
        ...before.about,
        ...(change.visitorType !== undefined && { visitorType: change.visitorType }),
        ...(change.notes !== undefined && { notes: change.notes ?? undefined }),
      };
      const validity = { from: row.validFrom, until };
      const grant = withHours({ ...before, holder, about, entriesAllowed, validity }, change.windows);
      if (until !== row.validUntil && !(await keepCodes(tx, grant)))
        throw fieldProblem("body.until", "its code has been given to another pass since it ended; make a new one", 409);
      await changeGrant(tx, row, grant, { retiredAt: null }, now);
      return grant;
    });
  }

  /** For ever. The same once more changes nothing. */
  revoke(asker: Asker, id: string): Promise<void> {
    return this.#ones.revoke(asker, "passes.change", id, "passes.revoke");
  }

  /** What happened with it at the gates, newest first. */
  async history(actor: Actor, id: string): Promise<readonly HistoryEvent[]> {
    const { row } = await this.#ones.find(actor, "passes.read", id);
    const { db } = this.#parts.store;
    const events = await listEvents(db, row.siteId, { grant: id, limit: historyMax });
    const guards = await staffNames(
      db,
      row.siteId,
      events.flatMap((event) => guardOf(event) ?? []),
    );
    return events.flatMap((event) => {
      const type = historyTypes.find((one) => one === event.type);
      const told = { isLate: isLearntLate(event), photo: photoPath(event, id) ?? null };
      return type ? [{ ...event, type, ...told, guard: guards.get(guardOf(event) ?? "") ?? null }] : [];
    });
  }

  /** As OwnGrants.siteOf(). */
  siteOf(actor: Actor, action: Action, named: string | undefined, place: string): Promise<SiteRow> {
    return this.#ones.siteOf(actor, action, named, place);
  }

  /** Whoever the earlier pass was for. */
  async #visitorOf(actor: Actor, site: string, id: string): Promise<{ readonly id: string }> {
    const { row } = await this.#ones.find(actor, "passes.change", id);
    if (row.siteId !== site) throw fieldProblem("body.again", "it is a pass of another site");
    return { id: row.holderId };
  }

  async #shown(actor: Actor, rows: readonly GrantRow[]): Promise<Pass[]> {
    const { store, siteKeys, clock } = this.#parts;
    const now = clock.wall();
    const passes: Pass[] = [];
    const sites = new Map<string, SiteRow | undefined>();
    const listed = new Map<string, ReadonlySet<string>>();
    for (const row of rows) {
      if (!sites.has(row.siteId)) {
        sites.set(row.siteId, await readSite(store.db, row.siteId));
        const ones = rows.filter(({ siteId }) => siteId === row.siteId).map(toGrant);
        listed.set(row.siteId, await listedOf(store.db, row.siteId, ones));
      }
      const site = sites.get(row.siteId);
      if (!site) continue;
      const mayHandOut = may(actor, "passes.change", { site: site.id, madeBy: row.createdBy });
      const credential = toGrant(row).credentials.find(({ kind }) => kind === "pass");
      const seal = mayHandOut && credential?.sealed ? await siteKeys.seal(store.db, site.id) : undefined;
      const uid = seal && credential?.sealed ? seal.open(credential.id, credential.sealed)?.reveal() : undefined;
      const barred = may(actor, "blacklist.read", { site: site.id }) ? isListed(row, listed.get(site.id)) : null;
      passes.push(toPass(row, site, { recordUid: uid ?? null, barred }, now));
    }
    return passes;
  }
}

function demandWithinYear({ from, until }: Pick<Validity, "from" | "until">, zone: string): void {
  if (until > yearAfter(from, zone)) throw fieldProblem("body.until", "a pass is good for a year at most");
}

/** `windows` undefined: the hours stay; null: any hour. */
function withHours(grant: Grant, windows: PassChange["windows"]): Grant {
  if (windows === undefined) return grant;
  if (grant.credentials.some(({ kind }) => kind !== "pass"))
    throw fieldProblem("body.windows", "it has a PIN as well, whose lock keeps its hours; make a new pass", 409);
  const { schedule: _, ...anyHour } = grant;
  return windows === null ? anyHour : { ...anyHour, schedule: { windows } };
}

const zoneOf = async (db: Queries, site: string) => (await readSite(db, site))?.zone ?? "UTC";

function isListed(row: GrantRow, listed: ReadonlySet<string> | undefined): boolean {
  const { id, credentials } = toGrant(row);
  return [id, ...credentials.map((one) => one.id)].some((one) => listed?.has(one) ?? false);
}

/** A gateway speaks of the staff of its own site, and of nobody else. */
async function staffNames(db: Queries, site: string, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  return namesOf(db, [...(await staffEverOf(db, site, ids))]);
}

/** A machine that invites names whose guest it is, or nobody. Whoever invites for themselves alone does so in their own name: a guard goes by it. */
function hostOf(actor: Actor, named: string | undefined): { id?: string; name: string } | undefined {
  const { id, person } = actor;
  if (named === undefined) return person && { id, name: person.name };
  if (person && ownOnly(actor, "passes.change") !== undefined)
    throw fieldProblem("body.host", "your guests come in your name; leave it out");
  return { name: named };
}

function personWith(before: PersonRef, { visitorName, documentNum }: PassChange): PersonRef {
  const { document: _, ...person } = before;
  const document = documentNum === undefined ? before.document : (documentNum ?? undefined);
  return { ...person, name: visitorName ?? before.name, ...(document !== undefined && { document }) };
}
