/** Properties: which doors a stay opens and how its code is made. The API and the pages both call these; who may do what is asked here. */
import { fieldProblem } from "../web/problem.ts";
import type { Asker } from "./asker.ts";
import type { CloudParts } from "./cloud-parts.ts";
import type { Facts } from "./domain/audit-body.ts";
import { guideLimits, type HouseGuide, noGuide } from "./domain/house-guide.ts";
import { type Actor, sitesOf } from "./domain/permissions.ts";
import { type StayRules, usualRules } from "./domain/stay-planner.ts";
import { chosenPoints, chosenSite, doorsOf, type Transact } from "./own-grants.ts";
import { demandMay } from "./routes/asks.ts";
import { notFound } from "./routes/shapes.ts";
import { recordAudit } from "./store/audit-trail.ts";
import { countOpen, lookAtAllOf } from "./store/bookings.ts";
import {
  findProperty,
  insertProperty,
  listProperties,
  lockProperty,
  type Property,
  propertiesMax,
  sparesWake,
  writeProperty,
} from "./store/properties.ts";
import type { SiteRow } from "./store/sites.ts";

export interface WantedProperty {
  readonly name: string;
  /** Left out: the only one the site has. */
  readonly accessPoints?: readonly string[] | undefined;
  readonly rules: WantedRules;
  readonly guide?: WantedGuide | undefined;
}

/** What is left out stays; null takes it away. */
export interface WantedGuide {
  readonly address?: HouseGuide["address"] | undefined;
  readonly place?: HouseGuide["place"] | undefined;
  readonly notes?: Readonly<Record<string, string | null>> | undefined;
}

export type WantedRules = { readonly [K in keyof StayRules]?: StayRules[K] | undefined };

export type PropertyChange = { readonly [K in keyof WantedProperty]?: WantedProperty[K] | undefined };

type PropertyAction = "stays.read" | "stays.change" | "properties.change";

export class Properties {
  readonly #parts: CloudParts;

  constructor(parts: CloudParts) {
    this.#parts = parts;
  }

  /** By name; of the site, or of all that the actor may see. */
  async list(actor: Actor, site: string | undefined): Promise<readonly Property[]> {
    const { db } = this.#parts.store;
    const sites =
      site === undefined
        ? sitesOf(actor, "stays.read")
        : [(await chosenSite(db, actor, "stays.read", site, "query")).id];
    return listProperties(db, sites);
  }

  /** `action`: what the actor is about to do with it. */
  async read(actor: Actor, id: string, action: PropertyAction = "stays.read"): Promise<Property> {
    return this.#find(actor, action, id);
  }

  async create(
    { actor, from }: Asker,
    site: SiteRow,
    { name, accessPoints, rules, guide }: WantedProperty,
    transact: Transact = (work) => this.#parts.store.transaction(work),
  ): Promise<Property> {
    const { clock, logger } = this.#parts;
    const made = await transact(async (tx) => {
      if ((await listProperties(tx, [site.id])).length >= propertiesMax)
        throw fieldProblem("body.site", `it has ${propertiesMax} properties, and no more are kept`, 409);
      const points = await chosenPoints(tx, site.id, accessPoints);
      await doorsOf(tx, site.id, points);
      const fresh = {
        ...{ site: site.id, name, accessPoints: points },
        ...{ rules: withRules(usualRules, rules), guide: withGuide(noGuide, guide) },
        sparesAt: (rules.spareCodes ?? 0) > 0 ? clock.wall() : null,
      };
      tx.touch(sparesWake);
      const property = await insertProperty(tx, fresh, clock.wall());
      const entry = { site: site.id, actor: actor.id, from, action: "properties.create", thing: property.id };
      await recordAudit(tx, { ...entry, after: factsOf(property) }, clock.wall());
      return property;
    });
    logger.info("property-created", { site: site.id, property: made.id, by: actor.id });
    return made;
  }

  /** The codes of its stays follow at once. */
  async change(asker: Asker, id: string, change: PropertyChange): Promise<Property> {
    return this.#alter(asker, id, "properties.change", async (before, check) => {
      if (change.accessPoints) await check(change.accessPoints);
      return {
        ...before,
        name: change.name ?? before.name,
        accessPoints: change.accessPoints ?? before.accessPoints,
        rules: withRules(before.rules, change.rules ?? {}),
        guide: withGuide(before.guide, change.guide),
      };
    });
  }

  /** It is let no more. Refused while somebody has booked it. */
  async close(asker: Asker, id: string): Promise<Property> {
    return this.#alter(asker, id, "properties.close", async (before, _, openStays) => {
      if (before.closedAt !== null) return before;
      const open = await openStays();
      if (open > 0) throw fieldProblem("path.id", `${open} of its bookings have not ended; cancel them first`, 409);
      return { ...before, closedAt: this.#parts.clock.wall() };
    });
  }

  async #find(actor: Actor, action: PropertyAction, id: string): Promise<Property> {
    const found = await findProperty(this.#parts.store.db, id);
    if (!found) throw notFound(`property ${id}`);
    demandMay(actor, action, { site: found.site, madeBy: "" }, `property ${id}`);
    return found;
  }

  async #alter(
    { actor, from }: Asker,
    id: string,
    action: string,
    work: (
      before: Property,
      check: (accessPoints: readonly string[]) => Promise<unknown>,
      openStays: () => Promise<number>,
    ) => Promise<Property>,
  ): Promise<Property> {
    const { store, clock, logger } = this.#parts;
    const { site } = await this.#find(actor, "properties.change", id);
    const after = await store.transaction(async (tx) => {
      const before = await lockProperty(tx, site, id);
      if (!before) throw notFound(`property ${id}`);
      const now = clock.wall();
      const changed = await work(
        before,
        (points) => doorsOf(tx, site, points),
        () => countOpen(tx, site, id, now),
      );
      if (changed === before) return before;
      const hasPool = Math.max(before.rules.spareCodes, changed.rules.spareCodes) > 0;
      await writeProperty(tx, hasPool ? { ...changed, sparesAt: now } : changed);
      tx.touch(sparesWake);
      await lookAtAllOf(tx, site, id, now);
      const facts = { before: factsOf(before), after: factsOf(changed) };
      await recordAudit(tx, { site, actor: actor.id, from, action, thing: id, ...facts }, now);
      return changed;
    });
    logger.info("property-changed", { site, property: id, action, by: actor.id });
    return after;
  }
}

function withRules(before: StayRules, change: WantedRules): StayRules {
  const named = Object.entries(change).filter(([, value]) => value !== undefined);
  return { ...before, ...Object.fromEntries(named) };
}

function withGuide(before: HouseGuide, { address, place, notes }: WantedGuide = {}): HouseGuide {
  const named = Object.entries({ ...before.notes, ...notes });
  const kept = named.filter((entry): entry is [string, string] => entry[1] !== null);
  if (kept.length > guideLimits.languagesMax)
    throw fieldProblem(
      "body.guide.notes",
      `at most ${guideLimits.languagesMax} languages; set one of the others to null`,
    );
  return {
    address: address === undefined ? before.address : address,
    place: place === undefined ? before.place : place,
    notes: Object.fromEntries(kept),
  };
}

/** What is told of the house is for its guests: the trail says that it was changed. */
const factsOf = ({ name, accessPoints, rules, guide, closedAt }: Property): Facts => ({
  title: name,
  accessPoints,
  rules,
  guide: JSON.stringify(guide) === JSON.stringify(noGuide) ? null : { secret: guide },
  closedAt,
});
