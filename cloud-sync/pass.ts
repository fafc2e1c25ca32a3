/** A visitor's pass as people see it, and how long "today" and "this week" are. */
import type { Instant } from "../gateway/domain/instant.ts";
import type { WeeklySchedule } from "../gateway/domain/schedule.ts";
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
  /** The same on every pass of one visitor, see WantedPass.again. */
  readonly visitorId: string;
  readonly visitorName: string;
  readonly visitorType: string | null;
  readonly host: string | null;
  /** It, its visitor or their document is on the blacklist; null: not for whoever asks. */
  readonly barred: boolean | null;
  readonly state: GrantState;
  readonly createdBy: string;
  readonly createdAt: Instant;
  readonly validFrom: Instant;
  readonly validUntil: Instant;
  readonly revokedAt: Instant | null;
  readonly accessPoints: readonly string[];
  /** Weekly hours; null: any hour. */
  readonly windows: WeeklySchedule["windows"] | null;
  /** null: no limit. */
  readonly entriesAllowed: number | null;
  /** As far as the gateways have told. */
  readonly entriesUsed: number;
  readonly documentNum: string | null;
  readonly notes: string | null;
}

export interface WantedPass {
  /** An earlier pass of the same visitor: whoever bars one bars the other. */
  readonly again?: string | undefined;
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
  readonly windows?: WeeklySchedule["windows"] | undefined;
}

export interface PassChange {
  readonly visitorName?: string | undefined;
  readonly visitorType?: VisitorType | undefined;
  readonly documentNum?: string | null | undefined;
  readonly notes?: string | null | undefined;
  /** What is not in the future ends the pass now. */
  readonly until?: Instant | undefined;
  readonly entriesAllowed?: number | null | undefined;
  /** null: any hour. */
  readonly windows?: WeeklySchedule["windows"] | null | undefined;
}

/** The longest that a pass is good, on the site's calendar. */
export function yearAfter(from: Instant, zone: string): Instant {
  return Temporal.Instant.fromEpochMilliseconds(from).toZonedDateTimeISO(zone).add({ years: 1 }).epochMilliseconds;
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

/** `recordUid`, `barred`: null where they are not for whoever asks. */
export function toPass(
  row: GrantRow,
  site: SiteRow,
  { recordUid, barred }: Pick<Pass, "recordUid" | "barred">,
  now: Instant,
): Pass {
  const grant = toGrant(row);
  const text = (value: unknown) => (typeof value === "string" ? value : null);
  return {
    id: grant.id,
    site: site.id,
    zone: site.zone,
    recordUid,
    visitorId: grant.holder.id,
    visitorName: grant.holder.name,
    visitorType: text(grant.about.visitorType),
    host: grant.host?.name ?? null,
    barred,
    state: grantState(row, now),
    createdBy: grant.createdBy,
    createdAt: row.createdAt,
    validFrom: grant.validity.from,
    validUntil: grant.validity.until,
    revokedAt: row.revokedAt,
    accessPoints: grant.accessPoints,
    windows: grant.schedule?.windows ?? null,
    entriesAllowed: grant.entriesAllowed,
    entriesUsed: row.entriesUsed,
    documentNum: grant.holder.document ?? null,
    notes: text(grant.about.notes),
  };
}
