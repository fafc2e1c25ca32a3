/** Builders of domain values for tests and benchmarks: say what matters, the rest is ordinary. */
import type { Credential } from "../../gateway/domain/credential.ts";
import type { EventBody, EventStamp } from "../../gateway/domain/entry-event.ts";
import type { FeedPage, FeedRow } from "../../gateway/domain/feed.ts";
import type { Grant } from "../../gateway/domain/grant.ts";
import type { HoldOpen } from "../../gateway/domain/hold-open.ts";
import { type Integration, integrationId } from "../../gateway/domain/integration.ts";
import type { JournalRecord } from "../../gateway/domain/record.ts";
import { type BlacklistEntry, defaultOfflineMaxAgeMs, type Site } from "../../gateway/domain/site.ts";
import { rowSum } from "../../gateway/wire/feed.ts";

export const aDay = 24 * 3_600_000;
/** 2031-03-04T12:00Z, a Tuesday. */
export const noon = Date.UTC(2031, 2, 4, 12);

export function aSite(overrides: Partial<Site> = {}): Site {
  return {
    id: "site-1",
    name: "Harbour Lane 12",
    zone: "Europe/Lisbon",
    lockdown: false,
    offlineMaxAgeMs: defaultOfflineMaxAgeMs,
    ...overrides,
  };
}

/** `index`: 43 characters, or any text that is stretched to as many. */
export function aCredential(index: string, overrides: Partial<Credential> = {}): Credential {
  return { id: `credential-${index}`, kind: "pin", index: index.padEnd(43, "_"), revoked: false, ...overrides };
}

export function aGrant(id: string, overrides: Partial<Grant> = {}): Grant {
  return {
    id,
    site: "site-1",
    kind: "temporary",
    holder: { id: `person-${id}`, name: "Pat Holder" },
    createdBy: "admin",
    accessPoints: ["front"],
    validity: { from: noon - aDay, until: noon + aDay },
    entriesAllowed: null,
    limitMode: "strict",
    homeGateway: "gateway-1",
    credentials: [aCredential(id)],
    revoked: false,
    about: {},
    ...overrides,
  };
}

export function siteRow(site: Site, ver = 1): FeedRow {
  return { kind: "site", id: site.id, ver, body: site, sum: rowSum({ kind: "site", id: site.id, ver, body: site }) };
}

export function grantRow(grant: Grant, ver = 1, granted = grant.entriesAllowed ?? 0): FeedRow {
  return {
    kind: "grant",
    id: grant.id,
    ver,
    body: grant,
    granted,
    sum: rowSum({ kind: "grant", id: grant.id, ver, body: grant }),
  };
}

/** A whole set in one page. */
export function aPage(rows: readonly FeedRow[], overrides: Partial<FeedPage> = {}): FeedPage {
  return { feed: "feed-1", to: 1, reset: false, complete: true, rows, ...overrides };
}

export function blacklistRow(id: string, subject: BlacklistEntry["subject"], value: string, ver = 1): FeedRow {
  const body = { id, subject, value };
  return { kind: "blacklist", id, ver, body, sum: rowSum({ kind: "blacklist", id, ver, body }) };
}

export function holdOpenRow(accessPoint: string, body: HoldOpen, ver = 1): FeedRow {
  return {
    kind: "hold-open",
    id: accessPoint,
    ver,
    body,
    sum: rowSum({ kind: "hold-open", id: accessPoint, ver, body }),
  };
}

export function integrationRow(integration: Omit<Integration, "id">, ver = 1): FeedRow {
  const id = integrationId(integration.gateway, integration.provider);
  const body = { id, ...integration };
  return { kind: "integration", id, ver, body, sum: rowSum({ kind: "integration", id, ver, body }) };
}

/** A tombstone. `of`: the kind of the row that is gone. */
export function goneRow(of: string, id: string, ver: number, revoked?: readonly string[]): FeedRow {
  return { kind: "gone", of, id, ver, sum: rowSum({ kind: of, id, ver }), ...(revoked && { revoked }) };
}

/** An event of the gateway's first boot, as the journal stamps it. */
export function anEvent(seq: number, body: EventBody, stamp: Partial<EventStamp> = {}): JournalRecord {
  return { kind: "event", event: { seq, at: noon, clock: "synced", boot: 1, mono: 0, ...stamp, ...body } };
}
