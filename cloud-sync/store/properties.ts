/** Flats and rooms that are let, and how their codes are made. */
import { and, asc, eq, inArray, isNotNull, isNull, lte } from "drizzle-orm";
import type { Instant } from "../../gateway/domain/instant.ts";
import { type HouseGuide, noGuide } from "../domain/house-guide.ts";
import { type StayRules, usualRules } from "../domain/stay-planner.ts";
import { newId } from "../ids.ts";
import { property } from "./schema.ts";
import type { Queries, Transaction } from "./store.ts";

export interface Property {
  readonly id: string;
  readonly site: string;
  readonly name: string;
  readonly accessPoints: readonly string[];
  readonly rules: StayRules;
  readonly guide: HouseGuide;
  readonly createdAt: Instant;
  readonly closedAt: Instant | null;
  /** When its spare codes are looked at; null: it has none. */
  readonly sparesAt: Instant | null;
  /** How many were proven at the last look; null: none was made yet. */
  readonly sparesReady: number | null;
  readonly sparesProblem: string | null;
}

/** A site has no more of them. */
export const propertiesMax = 1_000;

export async function insertProperty(
  tx: Transaction,
  fresh: Pick<Property, "site" | "name" | "accessPoints" | "rules" | "guide" | "sparesAt">,
  now: Instant,
): Promise<Property> {
  const { site: siteId, name, accessPoints, rules, guide, sparesAt } = fresh;
  const row = { id: newId("property"), siteId, name, accessPoints: [...accessPoints], createdAt: now, sparesAt };
  const [added] = await tx
    .insert(property)
    .values({ ...row, rules: JSON.stringify(rules), guide: JSON.stringify(guide) })
    .returning();
  return toProperty(added!);
}

export async function writeProperty(tx: Transaction, one: Property): Promise<void> {
  const { site, id, name, accessPoints, rules, guide, closedAt, sparesAt, sparesReady, sparesProblem } = one;
  await tx
    .update(property)
    .set({
      ...{ name, accessPoints: [...accessPoints], closedAt, sparesAt, sparesReady, sparesProblem },
      ...{ rules: JSON.stringify(rules), guide: JSON.stringify(guide) },
    })
    .where(and(eq(property.siteId, site), eq(property.id, id)));
}

/** Locked until the commit. undefined: there is none. */
export async function lockProperty(tx: Transaction, siteId: string, id: string): Promise<Property | undefined> {
  const its = and(eq(property.siteId, siteId), eq(property.id, id));
  const [row] = await tx.select().from(property).where(its).for("update");
  return row && toProperty(row);
}

/** At whatever site. */
export async function findProperty(db: Queries, id: string): Promise<Property | undefined> {
  const [row] = await db.select().from(property).where(eq(property.id, id));
  return row && toProperty(row);
}

/** Those in use, by name. `sites` undefined: of all. */
export async function listProperties(db: Queries, sites: readonly string[] | undefined): Promise<Property[]> {
  const atSites = sites && inArray(property.siteId, [...sites]);
  const rows = await db
    .select()
    .from(property)
    .where(and(atSites, isNull(property.closedAt)))
    .orderBy(asc(property.name), asc(property.id));
  return rows.map(toProperty);
}

/** Woken when a property's spare codes have to be looked at. */
export const sparesWake = "*spares";

/** The one whose spare codes have been due for longest, locked until the commit; one that another replica looks at is left to it. */
export async function lockSparesDue(tx: Transaction, now: Instant): Promise<Property | undefined> {
  const [row] = await tx
    .select()
    .from(property)
    .where(lte(property.sparesAt, now))
    .orderBy(asc(property.sparesAt), asc(property.id))
    .limit(1)
    .for("update", { skipLocked: true });
  return row && toProperty(row);
}

/** Now: one of them is gone. */
export async function lookAtSpares(tx: Transaction, one: Pick<Property, "site" | "id">, now: Instant): Promise<void> {
  const its = and(eq(property.siteId, one.site), eq(property.id, one.id));
  await tx.update(property).set({ sparesAt: now }).where(its);
  tx.touch(sparesWake);
}

export async function nextSparesAt(db: Queries): Promise<Instant | undefined> {
  const [row] = await db
    .select({ at: property.sparesAt })
    .from(property)
    .where(isNotNull(property.sparesAt))
    .orderBy(asc(property.sparesAt))
    .limit(1);
  return row?.at ?? undefined;
}

function toProperty({ siteId: site, rules, guide, ...row }: typeof property.$inferSelect): Property {
  const told = guide === null ? noGuide : { ...noGuide, ...JSON.parse(guide) };
  return { ...row, site, rules: { ...usualRules, ...JSON.parse(rules) }, guide: told };
}
