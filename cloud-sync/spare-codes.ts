/**
 * A property's spare codes: held ready at its doors, given to the stay whose own code is not there, and made anew. What is decided about them is
 * in domain/spare-pool.ts. Nobody sees the digits of one before it is somebody's.
 */
import { type Grant, isReserve, reserve } from "../gateway/domain/grant.ts";
import type { Instant, Millis } from "../gateway/domain/instant.ts";
import { HttpProblem } from "../web/problem.ts";
import { bookingFacts } from "./booking-facts.ts";
import type { CloudParts } from "./cloud-parts.ts";
import { createGrant } from "./create-grant.ts";
import type { Origin } from "./domain/audit-body.ts";
import { findUnfit } from "./domain/doors.ts";
import { planPool, type SpareStanding, spareTimes, whyRetired } from "./domain/spare-pool.ts";
import { gatherEvidence } from "./evidence.ts";
import { revokeGrant } from "./own-grants.ts";
import { inWords, planner } from "./provision-stay.ts";
import { recordAudit } from "./store/audit-trail.ts";
import { type BookingRow, writeBooking } from "./store/bookings.ts";
import { readDoors } from "./store/doors.ts";
import { changeGrant, keepCodes, lockGrant, type PublishedGrant, readGrant, toGrant } from "./store/grants.ts";
import { lockProperty, lockSparesDue, lookAtSpares, type Property, writeProperty } from "./store/properties.ts";
import { readSite, type SiteRow } from "./store/sites.ts";
import { endSpare, giveAway, insertSpare, lastFailure, lockSpares } from "./store/spare-codes.ts";
import type { Transaction } from "./store/store.ts";

/** After what stood in the way of one. */
const tryAgainMs: Millis = spareTimes.afterFailureMs;

/** The pool that has been due for longest; false: none is. */
export async function keepPoolDue(parts: CloudParts): Promise<boolean> {
  const { store, clock, logger } = parts;
  let taken: Property | undefined;
  try {
    return await store.transaction(async (tx) => {
      taken = await lockSparesDue(tx, clock.wall());
      if (taken) await keepPool(parts, tx, taken, clock.wall());
      return taken !== undefined;
    });
  } catch (error) {
    const one = taken;
    if (!one) throw error;
    const isKnown = error instanceof HttpProblem;
    const problem = isKnown ? inWords(error) : "it could not be looked at; the service's log says why";
    logger[isKnown ? "warn" : "error"]("spare-codes-not-kept", { site: one.site, property: one.id, why: problem });
    await store.transaction(async (tx) => {
      const again = await lockProperty(tx, one.site, one.id);
      const looked = { sparesAt: clock.wall() + tryAgainMs, sparesProblem: problem };
      if (again) await writeProperty(tx, { ...again, ...looked });
    });
    return true;
  }
}

async function keepPool(parts: CloudParts, tx: Transaction, property: Property, now: Instant): Promise<void> {
  const site = await readSite(tx, property.site);
  if (!site) return;
  const known = await knownSpares(tx, property, site, now);
  const wanted = property.closedAt === null ? property.rules.spareCodes : 0;
  const failedAt = await lastFailure(tx, site.id, property.id);
  const { retire, make, lookAt } = planPool({ wanted, spares: known, failedAt }, now);
  for (const { id, why } of retire) {
    const row = await lockGrant(tx, site.id, id);
    if (row) await revokeGrant(tx, row, now, { digitsToo: true });
    await endSpare(tx, { siteId: site.id, grantId: id }, why, now);
    await recordAudit(tx, { ...planner, site: site.id, action: "spares.end", thing: id, after: { why } }, now);
  }
  for (let count = 0; count < make; count += 1) {
    const id = await makeSpare(parts, tx, property, now);
    await insertSpare(tx, { siteId: site.id, grantId: id, propertyId: property.id, madeAt: now });
    const after = { property: property.id };
    await recordAudit(tx, { ...planner, site: site.id, action: "spares.make", thing: id, after }, now);
  }
  const gone = new Set(retire.map(({ id }) => id));
  const sparesReady = known.filter(({ id, standing }) => standing === "ready" && !gone.has(id)).length;
  await writeProperty(tx, { ...property, sparesAt: lookAt, sparesReady, sparesProblem: null });
}

interface KnownSpare {
  readonly id: string;
  readonly madeAt: Instant;
  readonly isOfDoors: boolean;
  readonly standing: SpareStanding;
}

async function knownSpares(tx: Transaction, property: Property, site: SiteRow, now: Instant): Promise<KnownSpare[]> {
  const rows = await lockSpares(tx, site.id, property.id);
  const grants: PublishedGrant[] = [];
  for (const { grantId } of rows) {
    const found = await readGrant(tx, site.id, grantId);
    if (found) grants.push(found);
  }
  const evidenceOf = await gatherEvidence(tx, site, grants, now);
  return rows.map(({ grantId: id, madeAt }) => {
    const published = grants.find(({ row }) => row.id === id);
    const grant = published && toGrant(published.row);
    const isGone = !grant || grant.revoked || grant.credentials.every(({ revoked }) => revoked);
    const isOfDoors = grant !== undefined && isSameSet(grant.accessPoints, property.accessPoints);
    return { id, madeAt, isOfDoors, standing: published && !isGone ? standingOf(published) : "failed" };
  });

  /** Somebody may have revoked it by hand. */
  function standingOf(published: PublishedGrant): SpareStanding {
    const { credentials, accessPoints } = toGrant(published.row);
    const pin = credentials.find(({ kind }) => kind === "pin");
    if (!pin || pin.revoked) return "failed";
    const at = accessPoints.map((accessPoint) => evidenceOf(published, { accessPoint, credential: pin, at: now }));
    if (at.some(({ code }) => code?.missing && code.missing.why !== "late")) return "failed";
    const isThere = at.every(({ code, isConfirmed }) => {
      return code ? code.state === "confirmed" && code.change === "set" : isConfirmed;
    });
    return isThere ? "ready" : "waiting";
  }
}

function isSameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((one) => b.includes(one));
}

async function makeSpare(
  { siteKeys }: CloudParts,
  tx: Transaction,
  { id: property, site, accessPoints, rules }: Property,
  now: Instant,
): Promise<string> {
  const doors = await readDoors(tx, site, accessPoints);
  const length = findUnfit(doors, { length: rules.codeLength }, "") ? undefined : rules.codeLength;
  const { grant } = await createGrant(
    tx,
    await siteKeys.seal(tx, site),
    {
      ...{ site, kind: "stay", createdBy: planner.actor, holder: { name: "Spare code" }, accessPoints },
      ...{ entriesAllowed: null, limitMode: "strict" },
      validity: { from: now, until: now + spareTimes.lifeMs },
      credentials: [{ kind: "pin", length }, { kind: "link" }],
      mustUnderstand: [reserve],
      about: { property, spare: true },
    },
    now,
  );
  return grant.id;
}

/** It was one of a property's spare codes, given or not. */
export function isSpare({ about }: Grant): boolean {
  return about.spare === true;
}

function isTakenAway({ row }: PublishedGrant): boolean {
  const pins = toGrant(row).credentials.filter(({ kind }) => kind === "pin");
  return row.revokedAt !== null || pins.every(({ revoked }) => revoked);
}

export interface StayToHelp {
  /** Locked before. */
  readonly row: BookingRow;
  readonly property: Property;
  readonly site: SiteRow;
  /** When its code is to work. */
  readonly until: Instant;
  readonly from: Instant;
}

/**
 * Gives the stay a spare code that is proven at all its doors. The code it had goes on where it works, until the stay changes or ends: its
 * guest may have learnt it. undefined: there is none, or it has one. `by`: whoever it is done for.
 */
export async function giveSpare(
  tx: Transaction,
  { row, property, site, from, until }: StayToHelp,
  now: Instant,
  by: { readonly actor: string; readonly from: Origin } = planner,
): Promise<BookingRow | undefined> {
  if (property.rules.spareCodes === 0 || now >= until) return undefined;
  const own = row.grantId === null ? undefined : await readGrant(tx, site.id, row.grantId);
  // Whoever revoked it had a reason, and one who says that a spare does not work needs a person.
  if (own && (isTakenAway(own) || isSpare(toGrant(own.row)))) return undefined;
  const pool = await knownSpares(tx, property, site, now);
  const ready = pool.find((one) => one.standing === "ready" && !whyRetired(one, now));
  const spare = ready && (await lockGrant(tx, site.id, ready.id));
  if (!spare) return undefined;
  const before = toGrant(spare);
  if (!isReserve(before)) return undefined;
  const { mustUnderstand: _, ...open } = before;
  const former = row.grantId ?? row.formerGrantId;
  const doors = await readDoors(tx, site.id, before.accessPoints);
  // A lock that knows no windows would take it out until then, and may not be reached to put it there again.
  const isWindowless = doors.some(({ codes }) => codes && codes.windows !== "range");
  const given: Grant = {
    ...open,
    holder: { ...before.holder, name: row.guestName },
    validity: { from: isWindowless ? before.validity.from : Math.max(before.validity.from, from), until },
    about: { ...before.about, booking: row.id, ...(former !== null && { formerGrant: former }) },
  };
  if (!(await keepCodes(tx, given))) return undefined;
  await changeGrant(tx, spare, given, { retiredAt: null }, now);
  await giveAway(tx, { siteId: site.id, grantId: spare.id }, row.id, now);
  const change = { grantId: spare.id, formerGrantId: former, problem: null, watchAt: now };
  const after = await writeBooking(tx, row, { ...change, lookAt: null, keyCodeAt: null });
  const facts = { before: bookingFacts(row), after: bookingFacts(after) };
  await recordAudit(tx, { ...by, site: site.id, action: "bookings.give-spare", thing: row.id, ...facts }, now);
  await lookAtSpares(tx, property, now);
  return after;
}
