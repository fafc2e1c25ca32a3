/**
 * Temporary codes: what an agency gives a cleaner until six o'clock. Each is a grant of the kind "temporary" whose holder is named after its
 * purpose. The API and the pages both call these; who may do what is asked here.
 */
import { RateLimiter } from "../web/limits.ts";
import { fieldProblem, HttpProblem } from "../web/problem.ts";
import type { Asker } from "./asker.ts";
import { grantFacts } from "./audit-facts.ts";
import type { CloudParts } from "./cloud-parts.ts";
import { createGrant } from "./create-grant.ts";
import type { Action, Actor } from "./domain/permissions.ts";
import { refusalsOf, type TempCodeRules, tempCodeRules } from "./domain/temp-code-rules.ts";
import { type EvidenceOf, gatherEvidence } from "./evidence.ts";
import {
  chosenPoints,
  demandNoRefusal,
  doorsOf,
  type OnesPage,
  type OnesQuery,
  OwnGrants,
  revealDigits,
  type Transact,
} from "./own-grants.ts";
import { demandMay } from "./routes/asks.ts";
import { recordAudit } from "./store/audit-trail.ts";
import { readDoors } from "./store/doors.ts";
import { changeGrant, keepCodes, type PublishedGrant, toGrant } from "./store/grants.ts";
import { recordSecurity } from "./store/security-events.ts";
import { readSite, type SiteRow } from "./store/sites.ts";
import { type TempCode, type TempCodeChange, toTempCode, type WantedTempCode } from "./temp-code.ts";

export class TempCodes {
  readonly #parts: CloudParts;
  readonly #ones: OwnGrants;
  /** Whoever types codes learns which are taken: not many at a time. */
  readonly #typed: RateLimiter;

  constructor(parts: CloudParts) {
    this.#parts = parts;
    this.#ones = new OwnGrants(parts, "temporary", "temporary code");
    this.#typed = new RateLimiter({ burst: 30, perSecond: 1 / 20 }, () => parts.clock.monotonic());
  }

  async list(
    actor: Actor,
    query: OnesQuery,
  ): Promise<{ readonly items: readonly TempCode[]; readonly next: OnesPage["next"] }> {
    const { found, next } = await this.#ones.list(actor, "codes.read", query);
    return { items: await this.#shown(found), next };
  }

  async read(actor: Actor, id: string): Promise<TempCode> {
    const [code] = await this.#shown([await this.#ones.find(actor, "codes.read", id)]);
    return code!;
  }

  /** The code's digits are in the answer, and nowhere else but in reveal(). */
  async create(
    { actor, from: origin }: Asker,
    site: SiteRow,
    wanted: WantedTempCode,
    transact: Transact = (work) => this.#parts.store.transaction(work),
  ): Promise<{ readonly id: string; readonly code: string }> {
    const { store, siteKeys, clock, logger } = this.#parts;
    if (wanted.code !== undefined) this.#typed.demand(actor.id);
    const seal = await siteKeys.seal(store.db, site.id);
    const created = await transact(async (tx) => {
      const now = clock.wall();
      const accessPoints = await chosenPoints(tx, site.id, wanted.accessPoints);
      const validity = { from: wanted.from ?? now, until: wanted.expiry };
      if (validity.until <= now) throw fieldProblem("body.expiry", "lies in the past");
      if (validity.from >= validity.until) throw fieldProblem("body.from", "must be before the expiry");
      const schedule = wanted.windows && { windows: wanted.windows };
      const doors = await doorsOf(tx, site.id, accessPoints);
      const hours = schedule && { schedule, validity, zone: site.zone };
      demandNoRefusal(refusalsOf(doors, { code: wanted.code, hours }));
      const { grant, values } = await createGrant(
        tx,
        seal,
        {
          site: site.id,
          kind: "temporary",
          createdBy: actor.id,
          holder: { name: wanted.name },
          accessPoints,
          validity,
          ...(schedule && { schedule }),
          entriesAllowed: null,
          limitMode: "strict",
          credentials: [{ kind: "pin", ...(wanted.code !== undefined && { value: wanted.code }) }],
          about: {},
        },
        now,
      );
      const entry = { site: site.id, actor: actor.id, from: origin, action: "codes.create", thing: grant.id };
      await recordAudit(tx, { ...entry, after: grantFacts(grant) }, now);
      return { id: grant.id, code: [...values.values()][0]! };
    }).catch(async (error: Error) => {
      throw await this.#inWordsOfACode(error, site.id, { actor, from: origin });
    });
    logger.info("temp-code-created", { site: site.id, grant: created.id, by: actor.id });
    return created;
  }

  /** Extends it, ends it early, renames it. */
  async change(asker: Asker, id: string, change: TempCodeChange): Promise<void> {
    await this.#ones.alter(asker, "codes.change", id, "codes.change", async (tx, row, now) => {
      if (row.revokedAt !== null) throw fieldProblem("path.id", "it was deleted; make a new one", 409);
      const before = toGrant(row);
      const { expiry = row.validUntil } = change;
      // A moment that has passed means now, and nothing to what has ended before.
      const until = expiry > now ? expiry : Math.min(now, row.validUntil);
      if (until <= row.validFrom) throw fieldProblem("body.expiry", "is before it begins; delete the code instead");
      const name = change.name ?? before.holder.name;
      const grant = { ...before, holder: { ...before.holder, name }, validity: { from: row.validFrom, until } };
      if (until !== row.validUntil && !(await keepCodes(tx, grant)))
        throw fieldProblem(
          "body.expiry",
          "its digits have been given to another code since it ended; make a new one",
          409,
        );
      await changeGrant(tx, row, grant, { retiredAt: null }, now);
      return grant;
    });
  }

  /** For ever. The same once more changes nothing. */
  revoke(asker: Asker, id: string): Promise<void> {
    return this.#ones.revoke(asker, "codes.change", id, "codes.revoke");
  }

  /** The digits; who asked for them is in the audit trail before they are told. */
  async reveal(asker: Asker, id: string): Promise<string> {
    const { row } = await this.#ones.find(asker.actor, "codes.reveal", id);
    return revealDigits(this.#parts, asker, row, { action: "codes.reveal", thing: id });
  }

  /** What a code must be at these doors; `accessPoints` empty or unknown ones are left out. */
  async rules(actor: Actor, site: SiteRow, accessPoints: readonly string[]): Promise<TempCodeRules> {
    demandMay(actor, "codes.change", { site: site.id, madeBy: actor.id }, `site ${site.id}`);
    return tempCodeRules(await readDoors(this.#parts.store.db, site.id, accessPoints), site.zone);
  }

  /** As OwnGrants.siteOf(). */
  siteOf(actor: Actor, action: Action, named: string | undefined, place: string): Promise<SiteRow> {
    return this.#ones.siteOf(actor, action, named, place);
  }

  /** A grant's problem in the words of a code's order. */
  async #inWordsOfACode(error: Error, site: string, { actor, from }: Asker): Promise<Error> {
    if (!(error instanceof HttpProblem)) return error;
    const errors = error.errors.map(({ field, message }) => ({ field: renamed(field), message }));
    const taken = error.status === 409 && errors.some(({ field }) => field === "body.code");
    if (taken) await noteTaken(this.#parts, site, { actor, from });
    const detail = errors.length > 0 ? errors.map((one) => `${one.field}: ${one.message}`).join("; ") : error.message;
    return new HttpProblem(error.status, error.code, detail, { errors, headers: error.headers });
  }

  async #shown(published: readonly PublishedGrant[]): Promise<TempCode[]> {
    const { store, clock } = this.#parts;
    const now = clock.wall();
    const bySite = Map.groupBy(published, ({ row }) => row.siteId);
    const about = new Map<string, { readonly site: SiteRow; readonly evidenceOf: EvidenceOf }>();
    for (const [id, ones] of bySite) {
      const site = await readSite(store.db, id);
      if (site) about.set(id, { site, evidenceOf: await gatherEvidence(store.db, site, ones, now) });
    }
    return published.flatMap((one) => {
      const known = about.get(one.row.siteId);
      return known ? [toTempCode(one, known.site, known.evidenceOf, now)] : [];
    });
  }
}

const renames: readonly (readonly [RegExp, string])[] = [
  [/^body\.credentials\[0\].*$/, "body.code"],
  [/^body\.schedule\b/, "body.windows"],
  [/^body\.homeGateway$/, "body.accessPoints[0]"],
];

function renamed(field: string): string {
  return renames.reduce((name, [pattern, word]) => name.replace(pattern, word), field);
}

/** Somebody may be trying which digits are taken. */
export async function noteTaken({ store, clock }: CloudParts, site: string, { actor, from }: Asker): Promise<void> {
  const event = { kind: "code-taken", severity: "notice", site, subject: actor.id } as const;
  const detail = "wanted digits that another live code of the site has";
  await recordSecurity(store.db, { ...event, ...from, detail }, clock.wall());
}
