/** All that is kept about one person, as one JSON document, written piece by piece: somebody may have made many codes. No secret is in it. */
import type { Instant } from "../../gateway/domain/instant.ts";
import { toEntries } from "../audit-entries.ts";
import { type AuditFilter, listAudit } from "../store/audit-trail.ts";
import { type EventFilter, listEvents } from "../store/events.ts";
import { type GrantRow, toGrant } from "../store/grants.ts";
import { readChoice } from "../store/notice-choices.ts";
import { listPasskeys } from "../store/passkeys.ts";
import type { Person } from "../store/people.ts";
import { type GrantTie, grantsTiedTo, keysMadeBy, linksOf, mailsTo, sessionsOf } from "../store/personal-data.ts";
import { listSubscriptions } from "../store/push-subscriptions.ts";
import { listSecurity, type SecurityFilter } from "../store/security-events.ts";
import type { Queries } from "../store/store.ts";

/** Read at a time. */
const rowsAtOnce = 500;

/** The members of the document, in order; `rows` come as they are read. */
export async function* personalData(db: Queries, person: Person, now: Instant): AsyncGenerator<string> {
  const { id } = person;
  const links = await linksOf(db, id);
  yield* inOneObject([
    ["madeAt", moment(now)],
    ["account", accountOf(person)],
    ["sessions", (await sessionsOf(db, id)).map(({ siteId: _, personId, counter, rotatedAt, ...one }) => shown(one))],
    ["passkeys", (await listPasskeys(db, id)).map(({ name, createdAt, usedAt }) => shown({ name, createdAt, usedAt }))],
    [
      "links",
      links.map(({ purpose, createdAt, expiresAt, usedAt }) => shown({ purpose, createdAt, expiresAt, usedAt })),
    ],
    ["mails", (await mailsTo(db, id)).map(({ kind, state, createdAt }) => shown({ kind, state, createdAt }))],
    ["notices", await readChoice(db, id)],
    [
      "browsersTold",
      (await listSubscriptions(db, id)).map(({ device, createdAt, usedAt }) => shown({ device, createdAt, usedAt })),
    ],
    ["apiKeys", (await keysMadeBy(db, id)).map(({ siteId: _, hash, createdBy, ...key }) => shown(key))],
    ["grantsMade", grantsOf(db, id, "made")],
    ["grantsHeld", grantsOf(db, id, "held")],
    ["eventsOfGrantsHeld", eventsOf(db, id)],
    ["auditBy", auditOf(db, { actor: id })],
    ["auditAbout", auditOf(db, { thing: id })],
    ["securityEvents", securityOf(db, id)],
  ]);
}

async function* inOneObject(
  members: readonly (readonly [string, unknown | AsyncIterable<unknown>])[],
): AsyncGenerator<string> {
  let before = "{";
  for (const [name, value] of members) {
    yield `${before}\n${JSON.stringify(name)}: `;
    if (isRows(value)) yield* inOneArray(value);
    else yield JSON.stringify(value);
    before = ",";
  }
  yield "\n}\n";
}

function isRows(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}

async function* inOneArray(rows: AsyncIterable<unknown>): AsyncGenerator<string> {
  let before = "[";
  for await (const row of rows) {
    yield `${before}\n  ${JSON.stringify(row)}`;
    before = ",";
  }
  yield before === "[" ? "[]" : "\n]";
}

const moment = (instant: Instant) => Temporal.Instant.fromEpochMilliseconds(instant).toString();

/** Moments, whose names end in "At" or "Until", for people to read. */
function shown(row: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      typeof value === "number" && /(At|Until)$/.test(name) ? moment(value) : value,
    ]),
  );
}

function accountOf(person: Person) {
  const { id, userName, email, name, role, language, sites, createdAt, createdBy, disabledAt, erasedAt } = person;
  const { failures, lockedUntil, passwordHash, totpSealed } = person;
  const account = { id, userName, email, name, role, language, sites, createdAt, createdBy, disabledAt, erasedAt };
  const proofs = { hasPassword: passwordHash !== null, hasAuthenticatorApp: totpSealed !== null };
  return shown({ ...account, ...proofs, wrongProofsInARow: failures, lockedUntil });
}

async function* grantRowsOf(db: Queries, person: string, tie: GrantTie): AsyncGenerator<GrantRow> {
  let after: GrantRow | undefined;
  for (;;) {
    const rows = await grantsTiedTo(db, person, tie, after, rowsAtOnce);
    yield* rows;
    after = rows.at(-1);
    if (rows.length < rowsAtOnce) return;
  }
}

async function* grantsOf(db: Queries, person: string, tie: GrantTie): AsyncGenerator<unknown> {
  for await (const row of grantRowsOf(db, person, tie)) {
    const { credentials, validity, homeGateway: _, mustUnderstand, ...grant } = toGrant(row);
    const { createdAt, revokedAt, entriesUsed, lastUsedAt } = row;
    yield shown({
      ...grant,
      from: moment(validity.from),
      until: moment(validity.until),
      credentials: credentials.map(({ id, kind, revoked }) => ({ id, kind, revoked })),
      ...{ createdAt, revokedAt, entriesUsed, lastUsedAt },
    });
  }
}

async function* eventsOf(db: Queries, person: string): AsyncGenerator<unknown> {
  for await (const { siteId, id } of grantRowsOf(db, person, "held")) {
    let after: EventFilter["after"];
    for (;;) {
      const rows = await listEvents(db, siteId, { grant: id, after, limit: rowsAtOnce });
      for (const { gatewayId, at, type, accessPoint, reason } of rows)
        yield shown({ site: siteId, gateway: gatewayId, happenedAt: at, type, grant: id, accessPoint, reason });
      const last = rows.at(-1);
      if (!last || rows.length < rowsAtOnce) break;
      after = { at: last.at, gateway: last.gatewayId, epoch: last.epoch, seq: last.seq };
    }
  }
}

async function* auditOf(db: Queries, filter: Pick<AuditFilter, "actor" | "thing">): AsyncGenerator<unknown> {
  let after: AuditFilter["after"];
  for (;;) {
    const rows = await listAudit(db, { ...filter, after, limit: rowsAtOnce });
    yield* await toEntries(db, rows);
    const last = rows.at(-1);
    if (!last || rows.length < rowsAtOnce) return;
    after = { at: last.at, site: last.siteId, seq: last.seq };
  }
}

async function* securityOf(db: Queries, subject: string): AsyncGenerator<unknown> {
  let after: SecurityFilter["after"];
  for (;;) {
    const rows = await listSecurity(db, { subject, after, limit: rowsAtOnce });
    for (const { siteId: _, subject: itself, ...row } of rows) yield shown(row);
    const last = rows.at(-1);
    if (!last || rows.length < rowsAtOnce) return;
    after = { at: last.lastAt, site: last.siteId, id: last.id };
  }
}
