/** A visitor's pass as people see it, and how long "today" and "this week" are. */
import type { Instant } from "../gateway/domain/instant.ts";
import { type GrantRow, type GrantState, grantState, toGrant } from "./store/grants.ts";
import type { SiteRow } from "./store/sites.ts";

/** As the source has them. */
export const visitorTypes = ["Guest", "Delivery", "Service", "Family", "Party"] as const;
export type VisitorType = (typeof visitorTypes)[number];

export interface Pass {
  readonly id: string;
  readonly site: string;
  /** IANA; the wall clock that people there read. */
  readonly zone: string;
  /** What stands in the QR code; null: not for whoever asks. */
  readonly recordUid: string | null;
  readonly visitorName: string;
  readonly visitorType: string | null;
  readonly host: string | null;
  readonly state: GrantState;
  readonly createdBy: string;
  readonly createdAt: Instant;
  readonly validFrom: Instant;
  readonly validUntil: Instant;
  readonly revokedAt: Instant | null;
  readonly accessPoints: readonly string[];
  /** null: no limit. */
  readonly entriesAllowed: number | null;
  /** As far as the gateways have told. */
  readonly entriesUsed: number;
  readonly documentNum: string | null;
  readonly notes: string | null;
}

export interface WantedPass {
  readonly visitorName: string;
  readonly visitorType: VisitorType;
  /** Left out: whoever invites. */
  readonly host?: string | undefined;
  readonly documentNum?: string | undefined;
  readonly notes?: string | undefined;
  readonly validity: "today" | "week" | { readonly from?: Instant | undefined; readonly until: Instant };
  readonly entriesAllowed: number | null;
  /** Left out: the only one the site has. */
  readonly accessPoints?: readonly string[] | undefined;
}

export interface PassChange {
  readonly visitorName?: string | undefined;
  readonly visitorType?: VisitorType | undefined;
  readonly documentNum?: string | null | undefined;
  readonly notes?: string | null | undefined;
  /** What is not in the future ends the pass now. */
  readonly until?: Instant | undefined;
  readonly entriesAllowed?: number | null | undefined;
}

/** Until the midnight after today, or after the week's Sunday, on the site's wall clock. */
export function spanOf(
  validity: WantedPass["validity"],
  now: Instant,
  zone: string,
): { from: Instant; until: Instant } {
  if (typeof validity === "object") return { from: validity.from ?? now, until: validity.until };
  const today = Temporal.Instant.fromEpochMilliseconds(now).toZonedDateTimeISO(zone).toPlainDate();
  const days = validity === "today" ? 1 : 8 - today.dayOfWeek;
  return { from: now, until: today.add({ days }).toZonedDateTime(zone).epochMilliseconds };
}

export function toPass(row: GrantRow, site: SiteRow, recordUid: string | null, now: Instant): Pass {
  const grant = toGrant(row);
  const text = (value: unknown) => (typeof value === "string" ? value : null);
  return {
    id: grant.id,
    site: site.id,
    zone: site.zone,
    recordUid,
    visitorName: grant.holder.name,
    visitorType: text(grant.about.visitorType),
    host: grant.host?.name ?? null,
    state: grantState(row, now),
    createdBy: grant.createdBy,
    createdAt: row.createdAt,
    validFrom: grant.validity.from,
    validUntil: grant.validity.until,
    revokedAt: row.revokedAt,
    accessPoints: grant.accessPoints,
    entriesAllowed: grant.entriesAllowed,
    entriesUsed: row.entriesUsed,
    documentNum: grant.holder.document ?? null,
    notes: text(grant.about.notes),
  };
}
