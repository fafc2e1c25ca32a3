/** What all grants have in common that people make one by one, for others: they are found, listed and changed by whoever may, and every change is audited. */
import type { Grant } from "../gateway/domain/grant.ts";
import type { Instant } from "../gateway/domain/instant.ts";
import type { CredentialSeal } from "../gateway/wire/credential-seal.ts";
import type { SecretString } from "../gateway/wire/secret.ts";
import { fieldProblem, HttpProblem } from "../web/problem.ts";
import type { Asker } from "./asker.ts";
import { grantFacts } from "./audit-facts.ts";
import type { CloudParts } from "./cloud-parts.ts";
import type { Door } from "./domain/doors.ts";
import { type Action, type Actor, ownOnly, sitesOf } from "./domain/permissions.ts";
import { demandMay } from "./routes/asks.ts";
import { notFound } from "./routes/shapes.ts";
import { recordAudit } from "./store/audit-trail.ts";
import { readDoors } from "./store/doors.ts";
import { listAccessPoints } from "./store/gateways.ts";
import {
  changeGrant,
  freeCodes,
  type GrantRow,
  grantState,
  lockGrant,
  type PublishedGrant,
  toGrant,
} from "./store/grants.ts";
import { findOne, type KindOfOne, listOnes, type OnesFilter } from "./store/grants-of-kind.ts";
import { listSites, readSite, type SiteRow } from "./store/sites.ts";
import type { Queries, Transaction } from "./store/store.ts";

/** How the change is run: in a transaction, at most once where the request can be told from its repeat. */
export type Transact = <T>(work: (tx: Transaction) => Promise<T>) => Promise<T>;

export type OnesQuery = Omit<OnesFilter, "sites" | "madeBy"> & { readonly site?: string | undefined };

export interface OnesPage {
  readonly found: readonly PublishedGrant[];
  /** Where the next page begins. */
  readonly next: OnesFilter["after"];
}

export class OwnGrants {
  readonly #parts: CloudParts;
  readonly #kind: KindOfOne;
  /** As in "There is no …". */
  readonly #noun: string;

  constructor(parts: CloudParts, kind: KindOfOne, noun: string) {
    this.#parts = parts;
    this.#kind = kind;
    this.#noun = noun;
  }

  /** Newest first, of the site or of all that the actor may see; of whoever reaches their own alone, those. */
  async list(actor: Actor, action: Action, { site, limit, ...filter }: OnesQuery): Promise<OnesPage> {
    const { store, clock } = this.#parts;
    const sites = site === undefined ? sitesOf(actor, action) : [(await this.siteOf(actor, action, site, "query")).id];
    const asked = { ...filter, sites, madeBy: ownOnly(actor, action), limit: limit + 1 };
    const all = await listOnes(store.db, this.#kind, asked, clock.wall());
    const found = all.slice(0, limit);
    const last = all.length > limit ? found.at(-1)?.row : undefined;
    return { found, next: last && { createdAt: last.createdAt, id: last.id } };
  }

  async find(actor: Actor, action: Action, id: string): Promise<PublishedGrant> {
    const found = await findOne(this.#parts.store.db, this.#kind, id);
    const what = `${this.#noun} ${id}`;
    if (!found) throw notFound(what);
    demandMay(actor, action, { site: found.row.siteId, madeBy: found.row.createdBy }, what);
    return found;
  }

  /** `work` answers the new state; undefined: nothing changed. `auditAs`: the word in the audit trail. */
  async alter(
    { actor, from }: Asker,
    permission: Action,
    id: string,
    auditAs: string,
    work: (tx: Transaction, row: GrantRow, now: Instant) => Promise<Grant | undefined>,
  ): Promise<void> {
    const { store, clock, logger } = this.#parts;
    const { row: seen } = await this.find(actor, permission, id);
    await store.transaction(async (tx) => {
      const row = await lockGrant(tx, seen.siteId, id);
      if (!row) throw notFound(`${this.#noun} ${id}`);
      const now = clock.wall();
      const after = await work(tx, row, now);
      if (!after) return;
      const facts = { before: grantFacts(toGrant(row)), after: grantFacts(after) };
      await recordAudit(tx, { site: row.siteId, actor: actor.id, from, action: auditAs, thing: id, ...facts }, now);
    });
    logger.info("grant-changed", { site: seen.siteId, grant: id, action: auditAs, by: actor.id });
  }

  /** For ever. The same once more changes nothing. */
  revoke(asker: Asker, permission: Action, id: string, auditAs: string): Promise<void> {
    return this.alter(asker, permission, id, auditAs, async (tx, row, now) => {
      return row.revokedAt === null ? revokeGrant(tx, row, now) : undefined;
    });
  }

  /** As chosenSite(). */
  siteOf(actor: Actor, action: Action, named: string | undefined, place: string): Promise<SiteRow> {
    return chosenSite(this.#parts.store.db, actor, action, named, place);
  }
}

/** `row`: locked before. `digitsToo`: nobody is given them again, not even its holder. Answers its new state. */
export async function revokeGrant(
  tx: Transaction,
  row: GrantRow,
  now: Instant,
  { digitsToo = false }: { readonly digitsToo?: boolean } = {},
): Promise<Grant> {
  const before = toGrant(row);
  const credentials = digitsToo ? before.credentials.map((one) => ({ ...one, revoked: true })) : before.credentials;
  const grant = { ...before, credentials, revoked: true };
  await freeCodes(tx, grant, undefined, now);
  await changeGrant(tx, row, grant, { revokedAt: row.revokedAt ?? now, retiredAt: null }, now);
  return grant;
}

/** The site that was named, or the only one the actor belongs to. `place`: where it may be named: "body", "query". */
export async function chosenSite(
  db: Queries,
  actor: Actor,
  action: Action,
  named: string | undefined,
  place: string,
): Promise<SiteRow> {
  const mine = sitesOf(actor, action);
  if (named !== undefined) {
    const site = (mine?.includes(named) ?? true) ? await readSite(db, named) : undefined;
    if (site) return site;
    throw fieldProblem(`${place}.site`, "there is no such site");
  }
  const sites = (await listSites(db)).filter(({ id }) => mine?.includes(id) ?? true);
  const [only] = sites;
  if (only && sites.length === 1) return only;
  throw fieldProblem(`${place}.site`, only ? "name the site; there are several" : "there is no site yet");
}

/** The digits of a grant's PIN; who asked for them is in the audit trail before they are told. */
export async function revealDigits(
  { store, siteKeys, clock }: CloudParts,
  { actor, from }: Asker,
  row: GrantRow,
  auditAs: { readonly action: string; readonly thing: string },
): Promise<string> {
  const seal = await siteKeys.seal(store.db, row.siteId);
  const state = grantState(row, clock.wall());
  if (state === "ended" || state === "revoked")
    throw new HttpProblem(409, "ended", "It has ended; its digits may be another's by now.");
  const digits = digitsOf(row, seal);
  if (!digits) throw new HttpProblem(409, "no-digits", "It has no digits.");
  const entry = { site: row.siteId, actor: actor.id, from, ...auditAs };
  await store.transaction((tx) => recordAudit(tx, entry, clock.wall()));
  return digits.reveal();
}

/** undefined: it has none, they are forgotten, or revoked for ever. */
export function digitsOf(row: GrantRow, seal: CredentialSeal): SecretString | undefined {
  const pin = toGrant(row).credentials.find(({ kind, revoked }) => kind === "pin" && !revoked);
  return pin?.sealed === undefined ? undefined : seal.open(pin.id, pin.sealed);
}

export function demandNoRefusal(refusals: readonly { readonly field: string; readonly message: string }[]): void {
  if (refusals.length === 0) return;
  const errors = refusals.map(({ field, message }) => ({ field: `body.${field}`, message }));
  throw new HttpProblem(400, "invalid-request", errors.map(({ message }) => message).join("; "), { errors });
}

/** Those that were named, or the only one the site has. */
export async function chosenPoints(
  db: Queries,
  site: string,
  named: readonly string[] | undefined,
): Promise<readonly string[]> {
  if (named) return named;
  const points = (await listAccessPoints(db, site)).filter(({ goneAt }) => goneAt === null);
  const [only] = points;
  if (only && points.length === 1) return [only.id];
  throw fieldProblem("body.accessPoints", only ? "name the doors it is for" : "the site has no door yet");
}

/** All of them: an unknown one is refused by its place. */
export async function doorsOf(db: Queries, site: string, accessPoints: readonly string[]): Promise<readonly Door[]> {
  const doors = await readDoors(db, site, accessPoints);
  const known = new Set(doors.map(({ id }) => id));
  demandNoRefusal(
    accessPoints.flatMap((id, index) =>
      known.has(id) ? [] : [{ field: `accessPoints[${index}]`, message: `the site has no access point ${id}` }],
    ),
  );
  return doors;
}
