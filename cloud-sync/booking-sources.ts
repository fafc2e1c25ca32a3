/** Sources of bookings as owners see them: set up, tried, read now, closed. The API and the pages both call these; who may do what is asked here. */
import { randomBytes } from "node:crypto";
import type { Instant, Millis } from "../gateway/domain/instant.ts";
import { SecretString } from "../gateway/wire/secret.ts";
import { fieldProblem, HttpProblem } from "../web/problem.ts";
import type { Asker } from "./asker.ts";
import type { CloudParts } from "./cloud-parts.ts";
import type { Facts } from "./domain/audit-body.ts";
import { type Actor, sitesOf } from "./domain/permissions.ts";
import { newId } from "./ids.ts";
import { chosenSite } from "./own-grants.ts";
import { openSource, readSourceNow } from "./read-source.ts";
import { demandMay } from "./routes/asks.ts";
import { notFound } from "./routes/shapes.ts";
import { SourceError, type SourceKind, type SourcePlace } from "./sources/booking-source.ts";
import { rulesOf } from "./sources/source-kinds.ts";
import { endCauses } from "./stay-alarms.ts";
import { recordAudit } from "./store/audit-trail.ts";
import {
  findSource,
  hookPath,
  insertSource,
  listSources,
  newHookToken,
  placesOf,
  rotateSourceKey,
  type SourceResult,
  type SourceRow,
  sourcesMax,
  sourcesWake,
  writeSource,
  writeSourceKey,
} from "./store/booking-sources.ts";

import { watchAllOf } from "./store/bookings.ts";
import { listProperties } from "./store/properties.ts";
import type { SiteRow } from "./store/sites.ts";
import type { Transaction } from "./store/store.ts";
import { withinDeadline } from "./within-deadline.ts";

export interface Source {
  readonly id: string;
  readonly site: string;
  readonly kind: SourceKind;
  readonly name: string;
  /** Which of its flats and rooms are which property. */
  readonly places: Readonly<Record<string, string>>;
  readonly everyMinutes: number;
  /** By its kind. */
  readonly options: SourceOptions;
  readonly createdAt: Instant;
  readonly closedAt: Instant | null;
  readonly nextAt: Instant | null;
  readonly ranAt: Instant | null;
  /** When it was last read whole. */
  readonly goodAt: Instant | null;
  readonly result: SourceResult | null;
}

export type SourceOptions = Readonly<Record<string, unknown>>;

export interface WantedSource {
  readonly kind: SourceKind;
  readonly name: string;
  /** Left out where the source is to sign with one that is made here. */
  readonly key?: SecretString | undefined;
  readonly places: Readonly<Record<string, string>>;
  /** Left out: as is usual for its kind. */
  readonly everyMinutes?: number | undefined;
  readonly options: SourceOptions;
}

/** What whoever sends is told, once. */
export interface HookSecrets {
  readonly path: string;
  readonly secret: SecretString;
}

export interface SourceChange {
  readonly name?: string | undefined;
  readonly key?: SecretString | undefined;
  readonly places?: Readonly<Record<string, string>> | undefined;
  readonly everyMinutes?: number | undefined;
  /** Those that are not named stay. */
  readonly options?: SourceOptions | undefined;
}

/** Somebody waits at a page. */
const tryWithinMs = 30_000;
const formerKeyMs: Millis = 24 * 3_600_000;

export class BookingSources {
  readonly #parts: CloudParts;

  constructor(parts: CloudParts) {
    this.#parts = parts;
  }

  async list(actor: Actor, site: string | undefined): Promise<readonly Source[]> {
    const { db } = this.#parts.store;
    const sites =
      site === undefined
        ? sitesOf(actor, "stays.read")
        : [(await chosenSite(db, actor, "stays.read", site, "query")).id];
    return (await listSources(db, sites)).map(toSource);
  }

  async read(actor: Actor, id: string): Promise<Source> {
    return toSource(await this.#find(actor, "stays.read", id));
  }

  /** It is read at once, and then again and again. `hook`: where it sends to, if it does. */
  async create(
    { actor, from }: Asker,
    site: SiteRow,
    wanted: WantedSource,
  ): Promise<{ readonly source: Source; readonly hook: HookSecrets | null }> {
    const { store, siteKeys, clock, logger } = this.#parts;
    const { kind, name, places } = wanted;
    const everyMinutes = wanted.everyMinutes ?? rulesOf(kind).everyMinutes.usual;
    const options = checked(this.#parts, kind, { ...wanted, everyMinutes }) ?? {};
    const key = wanted.key ?? (kind === "webhook" ? newHookSecret() : undefined);
    if (!key) throw fieldProblem("body.key", "say what the source is asked with");
    const seal = await siteKeys.seal(store.db, site.id);
    const id = newId("source");
    const token = kind === "webhook" ? newHookToken(seal, id) : undefined;
    await store.transaction(async (tx) => {
      if ((await listSources(tx, [site.id])).length >= sourcesMax)
        throw fieldProblem("body.site", `it has ${sourcesMax} sources, and no more are kept`, 409);
      await demandProperties(tx, site.id, places);
      const now = clock.wall();
      const facts = { kind, name, places: JSON.stringify(places), everyMinutes, options: JSON.stringify(options) };
      const made = { siteId: site.id, id, ...facts, createdBy: actor.id, createdAt: now, nextAt: now };
      await insertSource(tx, { ...made, tokenHash: token?.hash, tokenSealed: token?.sealed }, key, seal);
      const entry = { site: site.id, actor: actor.id, from, action: "sources.create", thing: id };
      await recordAudit(tx, { ...entry, after: { title: name, kind, places, everyMinutes, options } }, now);
      tx.touch(sourcesWake);
    });
    logger.info("booking-source-created", { site: site.id, source: id, by: actor.id });
    const hook = token && { path: hookPath(id, token.sealed, seal), secret: key };
    return { source: await this.read(actor, id), hook: hook ?? null };
  }

  /** What it signs with from now on; the one before is taken for a day beside it. */
  async rotate(asker: Asker, id: string): Promise<HookSecrets> {
    const secret = newHookSecret();
    let path = "";
    await this.#alter(asker, id, "sources.rotate", async (tx, row, now) => {
      if (row.kind !== "webhook" || row.tokenSealed === null)
        throw fieldProblem("path.id", "it signs nothing: only a source that sends by itself does", 409);
      if (row.closedAt !== null) throw fieldProblem("path.id", "it is closed", 409);
      const seal = await this.#parts.siteKeys.seal(tx, row.siteId);
      await rotateSourceKey(tx, row, secret, now + formerKeyMs, seal);
      path = hookPath(id, row.tokenSealed, seal);
      return { key: id };
    });
    return { path, secret };
  }

  async change(asker: Asker, id: string, change: SourceChange): Promise<Source> {
    await this.#alter(asker, id, "sources.change", async (tx, row, now) => {
      const { name = row.name, places = placesOf(row), everyMinutes = row.everyMinutes, key } = change;
      const before = JSON.parse(row.options) as SourceOptions;
      const wanted = change.options && { options: { ...before, ...change.options } };
      const options = checked(this.#parts, row.kind, { ...change, ...wanted }) ?? before;
      if (change.places) await demandProperties(tx, row.siteId, places);
      if (key) {
        const seal = await this.#parts.siteKeys.seal(tx, row.siteId);
        if (row.kind === "webhook") await rotateSourceKey(tx, row, key, now + formerKeyMs, seal);
        else await writeSourceKey(tx, row, key, seal);
      }
      const nextAt = row.closedAt === null ? now : null;
      const facts = { name, places: JSON.stringify(places), everyMinutes, options: JSON.stringify(options) };
      if (change.options) await watchAllOf(tx, row.siteId, row.id, now);
      await writeSource(tx, row, { ...facts, nextAt, wholeAt: null, mark: null, subscribedAt: null });
      return { title: name, places, everyMinutes, options, ...(key && { key: id }) };
    });
    return this.read(asker.actor, id);
  }

  /** It is read no more. What it told of stays, with its codes. */
  async close(asker: Asker, id: string): Promise<Source> {
    await this.#alter(asker, id, "sources.close", async (tx, row, now) => {
      if (row.closedAt !== null) return undefined;
      await writeSource(tx, row, { closedAt: now, nextAt: null });
      await endCauses(tx, { site: row.siteId, source: row.id, kinds: ["source-stale"] }, now);
      return { closedAt: now };
    });
    return this.read(asker.actor, id);
  }

  /** Now, rather than when its turn comes; what came of it is in the answer. */
  async run({ actor }: Asker, id: string): Promise<Source> {
    const row = await this.#find(actor, "stays.change", id);
    if (row.closedAt !== null) throw fieldProblem("path.id", "it is closed", 409);
    if (!(await readSourceNow(this.#parts, row)))
      throw new HttpProblem(409, "is-being-read", "It is being read; look again in a minute.");
    return this.read(actor, id);
  }

  /** What there is to be booked, for whoever says which of it is which property. */
  async places(actor: Actor, id: string): Promise<readonly SourcePlace[]> {
    const row = await this.#find(actor, "properties.change", id);
    try {
      const source = await openSource(this.#parts, row);
      return await withinDeadline(this.#parts, tryWithinMs, (signal) => source.readPlaces(signal));
    } catch (error) {
      const why = error instanceof SourceError ? error.message : "it did not answer in time";
      throw new HttpProblem(409, "source-not-read", why);
    }
  }

  async #find(actor: Actor, action: "stays.read" | "stays.change" | "properties.change", id: string) {
    const found = await findSource(this.#parts.store.db, id);
    if (!found) throw notFound(`source ${id}`);
    demandMay(actor, action, { site: found.siteId, madeBy: found.createdBy }, `source ${id}`);
    return found;
  }

  async #alter(
    { actor, from }: Asker,
    id: string,
    action: string,
    work: (tx: Transaction, row: SourceRow, now: Instant) => Promise<Facts | undefined>,
  ): Promise<void> {
    const { store, clock, logger } = this.#parts;
    const row = await this.#find(actor, "properties.change", id);
    await store.transaction(async (tx) => {
      const now = clock.wall();
      const after = await work(tx, row, now);
      if (!after) return;
      const { name: title, everyMinutes, closedAt } = row;
      const before = { title, places: placesOf(row), everyMinutes, options: JSON.parse(row.options), closedAt };
      const entry = { site: row.siteId, actor: actor.id, from, action, thing: id };
      await recordAudit(tx, { ...entry, before, after: { ...before, ...after } }, now);
      tx.touch(sourcesWake);
    });
    logger.info("booking-source-changed", { site: row.siteId, source: id, action, by: actor.id });
  }
}

/** As standardwebhooks.com wants them: 24 to 64 bytes. */
function newHookSecret(): SecretString {
  return new SecretString(`whsec_${randomBytes(32).toString("base64")}`);
}

/** What of it was given is as its kind wants it; answers its options, whole. */
function checked(parts: CloudParts, kind: SourceKind, wanted: Omit<SourceChange, "name">): SourceOptions | undefined {
  const rules = rulesOf(kind);
  const keyProblem = wanted.key && rules.keyProblem(wanted.key.reveal(), parts);
  if (keyProblem !== undefined) throw fieldProblem("body.key", keyProblem);
  for (const place of Object.keys(wanted.places ?? {}))
    if (!rules.place.test(place)) throw fieldProblem(`body.places.${place}`, rules.placeProblem);
  const { least } = rules.everyMinutes;
  if ((wanted.everyMinutes ?? least) < least)
    throw fieldProblem("body.everyMinutes", `is less than ${least} minutes, which is what its service bears`);
  if (!wanted.options) return undefined;
  const options = rules.options.safeParse(wanted.options);
  if (options.success) {
    if (options.data.webhooks === true && parts.publicUrl === undefined)
      throw fieldProblem("body.options.webhooks", "the service does not know its own address: set publicUrl");
    return options.data;
  }
  const { path, keys = [] } = options.error.issues[0] as { readonly path: PropertyKey[]; readonly keys?: string[] };
  const field = ["body.options", ...path.map(String), ...keys.slice(0, 1)].join(".");
  throw fieldProblem(field, "is no option of this kind of source, or not of this type");
}

async function demandProperties(
  tx: Transaction,
  site: string,
  places: Readonly<Record<string, string>>,
): Promise<void> {
  const known = new Set((await listProperties(tx, [site])).map(({ id }) => id));
  for (const [place, property] of Object.entries(places))
    if (!known.has(property)) throw fieldProblem(`body.places.${place}`, "the site has no such property");
}

function toSource(row: SourceRow): Source {
  const { siteId: site, id, kind, name, everyMinutes, createdAt, closedAt, nextAt, ranAt, goodAt } = row;
  const result = row.result === null ? null : (JSON.parse(row.result) as SourceResult);
  return {
    id,
    site,
    kind,
    name,
    places: placesOf(row),
    everyMinutes,
    options: JSON.parse(row.options),
    createdAt,
    closedAt,
    nextAt,
    ranAt,
    goodAt,
    result,
  };
}
