/** Accounts of people: who they are, what role they have, which sites they belong to. */
import { and, asc, eq, exists, gt, ilike, inArray, isNull, ne, or, sql } from "drizzle-orm";
import type { Instant } from "../../gateway/domain/instant.ts";
import type { Role } from "../domain/permissions.ts";
import { newId } from "../ids.ts";
import { person, personSite } from "./schema.ts";
import { publishStaff } from "./staff.ts";
import { type Queries, rowsOf, type Transaction } from "./store.ts";

/** People belong to the service, not to one site. */
export const everySite = "*";

export type PersonRow = typeof person.$inferSelect;

/** A person with what is asked of it at each request. */
export interface Person extends PersonRow {
  readonly sites: readonly string[];
  readonly passkeys: number;
}

/** Columns beside a person's own, in a query that selects from `person`. */
export const besidePerson = {
  sites: sql<string[]>`array(select ps.site_id from person_site ps where ps.person_id = person.id order by 1)`,
  passkeys: sql<number>`(select count(*)::int from passkey pk where pk.site_id = person.site_id and pk.person_id = person.id)`,
};

export interface FreshPerson {
  /** In small letters, and so is `email`. */
  readonly userName: string;
  readonly email: string | null;
  readonly name: string;
  readonly role: Role;
  readonly language: string;
  readonly sites: readonly string[];
  readonly createdBy: string;
}

export type TakenName = "userName" | "email";

/** The new person's id, or which of its names somebody else has. `sites` exist. */
export async function createPerson(
  tx: Transaction,
  fresh: FreshPerson,
  now: Instant,
): Promise<{ readonly id: string } | { readonly taken: TakenName }> {
  const { sites, ...columns } = fresh;
  const id = newId("person");
  const made = await tx
    .insert(person)
    .values({ siteId: everySite, id, ...columns, createdAt: now })
    .onConflictDoNothing()
    .returning({ id: person.id });
  if (made.length === 0) return { taken: (await isTaken(tx, person.userName, fresh.userName)) ? "userName" : "email" };
  await setSites(tx, id, sites);
  return { id };
}

async function isTaken(tx: Queries, column: typeof person.userName, value: string): Promise<boolean> {
  const found = await tx
    .select({ id: person.id })
    .from(person)
    .where(and(eq(person.siteId, everySite), eq(column, value)));
  return found.length > 0;
}

async function setSites(tx: Transaction, personId: string, sites: readonly string[]): Promise<void> {
  await tx.delete(personSite).where(eq(personSite.personId, personId));
  if (sites.length > 0) await tx.insert(personSite).values(sites.map((siteId) => ({ siteId, personId })));
}

export type PersonChange = Partial<Omit<PersonRow, "siteId" | "id" | "createdAt" | "createdBy">>;

/** What gateways know of their staff (store/staff.ts). */
const told: readonly (keyof PersonChange)[] = ["name", "userName", "role", "passwordHash", "disabledAt"];

/**
 * `sites`: all that the person belongs to from now on. Answers which name somebody else has; nothing has changed then. Gateways whose staff
 * it is are told, so that only sessions and links are written after it in a transaction.
 */
export async function changePerson(
  tx: Transaction,
  id: string,
  change: PersonChange,
  now: Instant,
  sites?: readonly string[],
): Promise<TakenName | undefined> {
  for (const name of ["userName", "email"] as const) {
    const wanted = change[name];
    if (wanted === undefined || wanted === null) continue;
    const others = await tx
      .select({ id: person.id })
      .from(person)
      .where(and(eq(person.siteId, everySite), eq(person[name], wanted), ne(person.id, id)));
    if (others.length > 0) return name;
  }
  const before = sites && (await readPerson(tx, id))?.sites;
  if (Object.keys(change).length > 0) await tx.update(person).set(change).where(its(id));
  if (sites) await setSites(tx, id, sites);
  if (sites || told.some((column) => column in change)) {
    const changed = await readPerson(tx, id);
    if (changed) await publishStaff(tx, changed, [...(before ?? []), ...changed.sites], now);
  }
  return undefined;
}

const its = (id: string) => and(eq(person.siteId, everySite), eq(person.id, id));

function people(db: Queries) {
  return db
    .select({ row: person, ...besidePerson })
    .from(person)
    .$dynamic();
}

export function toPerson({ row, ...beside }: { row: PersonRow; sites: string[]; passkeys: number }): Person {
  return { ...row, ...beside };
}

export async function readPerson(db: Queries, id: string): Promise<Person | undefined> {
  const [found] = await people(db).where(its(id));
  return found && toPerson(found);
}

/** By user name or e-mail address, in small letters. */
export async function findPerson(db: Queries, name: string): Promise<Person | undefined> {
  const [found] = await people(db).where(
    and(eq(person.siteId, everySite), or(eq(person.userName, name), eq(person.email, name))),
  );
  return found && toPerson(found);
}

/** Locks the person until the commit: proofs and changes of one account come one after the other. Nobody's id asks the same of the store. */
export async function lockPerson(tx: Transaction, id: string): Promise<Person | undefined> {
  await tx.select({ id: person.id }).from(person).where(its(id)).for("update");
  return readPerson(tx, id);
}

export interface PeopleFilter {
  /** Part of a name, user name or e-mail address. */
  readonly search?: string | undefined;
  readonly role?: Role | undefined;
  readonly site?: string | undefined;
  /** The last user name of the page before. */
  readonly after?: string | undefined;
  readonly limit: number;
}

/** By user name. */
export async function listPeople(db: Queries, filter: PeopleFilter): Promise<Person[]> {
  const { search, role, site, after, limit } = filter;
  const part = search === undefined ? undefined : `%${search.replaceAll(/[\\%_]/g, (sign) => `\\${sign}`)}%`;
  const found = await people(db)
    .where(
      and(
        eq(person.siteId, everySite),
        role && eq(person.role, role),
        part === undefined
          ? undefined
          : or(ilike(person.name, part), ilike(person.userName, part), ilike(person.email, part)),
        site === undefined
          ? undefined
          : exists(
              db
                .select({ id: personSite.personId })
                .from(personSite)
                .where(and(eq(personSite.siteId, site), eq(personSite.personId, person.id))),
            ),
        after === undefined ? undefined : gt(person.userName, after),
      ),
    )
    .orderBy(asc(person.userName))
    .limit(limit);
  return found.map(toPerson);
}

/** Administrators who can sign in. Locked until the commit, so that two do not remove each other at the same moment. */
export async function lockAdmins(tx: Transaction): Promise<string[]> {
  const rows = await tx
    .select({ id: person.id })
    .from(person)
    .where(
      and(
        eq(person.siteId, everySite),
        eq(person.role, "admin"),
        isNull(person.disabledAt),
        sql`${person.passwordHash} is not null`,
      ),
    )
    .orderBy(person.id)
    .for("update");
  return rows.map(({ id }) => id);
}

/** Whether anybody has been made administrator yet, able to sign in or not. */
export async function hasAdmin(db: Queries): Promise<boolean> {
  const [any] = await db
    .select({ id: person.id })
    .from(person)
    .where(and(eq(person.siteId, everySite), eq(person.role, "admin"), sql`${person.passwordHash} is not null`))
    .limit(1);
  return any !== undefined;
}

/**
 * One more wrong proof; answers how many in a row it makes. Nobody's id changes nothing, at the same cost: the commit does not wait for the
 * disk, as it would where something changed. A power cut may lose the last few counts.
 */
export async function countFailure(tx: Transaction, id: string): Promise<number> {
  await tx.execute(sql`select set_config('synchronous_commit', 'off', true)`);
  const rows = await rowsOf<{ failures: number | string }>(
    tx,
    sql`update person set failures = failures + 1 where site_id = ${everySite} and id = ${id} returning failures`,
  );
  return Number(rows[0]?.failures ?? 0);
}

/** The names of those of the ids that are people, for lists that show who did something. */
export async function namesOf(db: Queries, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  if (ids.length === 0) return new Map();
  const rows = await db
    .select({ id: person.id, name: person.name })
    .from(person)
    .where(and(eq(person.siteId, everySite), inArray(person.id, [...new Set(ids)])));
  return new Map(rows.map(({ id, name }) => [id, name]));
}
