/** The access points of a site as their gateways last reported them. */
import { and, eq, inArray, sql } from "drizzle-orm";
import type { Door } from "../domain/doors.ts";
import type { GatewayRow, Report } from "./gateways.ts";
import { accessPoint, gateway } from "./schema.ts";
import type { Queries } from "./store.ts";

type ReportedPoint = Report["accessPoints"][number];

export interface ReportedDoor extends Door {
  readonly gateway: string;
  readonly codes: ReportedPoint["codes"];
  /** The device that holds it; undefined: its gateway does not say. */
  readonly lock: string | undefined;
}

/** In the order of `ids`; those nobody has reported are left out. */
export async function readDoors(db: Queries, siteId: string, ids: readonly string[]): Promise<ReportedDoor[]> {
  const wanted = and(eq(accessPoint.siteId, siteId), inArray(accessPoint.id, [...ids]));
  const name = sql<string>`coalesce(${accessPoint.name}, ${accessPoint.reportedName})`;
  const columns = { id: accessPoint.id, name, gateway: accessPoint.gatewayId };
  const served = new Map((await db.select(columns).from(accessPoint).where(wanted)).map((row) => [row.id, row]));
  // A report is long and told once for all the doors of its gateway.
  const rows = await db
    .select({ id: gateway.id, report: gateway.report })
    .from(gateway)
    .where(
      and(eq(gateway.siteId, siteId), inArray(gateway.id, [...new Set(served.values().map((row) => row.gateway))])),
    );
  const said = new Map(rows.map((row) => [row.id, new Map(pointsOf(row).map((point) => [point.id, point]))]));
  return ids.flatMap((id) => {
    const row = served.get(id);
    if (!row) return [];
    const { lock, reads, kinds, codes, accounts, noCodes } = said.get(row.gateway)?.get(id) ?? {};
    return [{ ...row, lock, reads, kinds, codes, accounts, noCodes }];
  });
}

/** What a gateway says of its access points. */
export function pointsOf({ report }: Pick<GatewayRow, "report">): Report["accessPoints"] {
  return report === null ? [] : (JSON.parse(report) as Report).accessPoints;
}
