/** The access points of a site as their gateways last reported them. */
import { and, eq, inArray } from "drizzle-orm";
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
  const rows = await db
    .select({ id: accessPoint.id, gateway: gateway.id, report: gateway.report })
    .from(accessPoint)
    .innerJoin(gateway, and(eq(gateway.siteId, accessPoint.siteId), eq(gateway.id, accessPoint.gatewayId)))
    .where(and(eq(accessPoint.siteId, siteId), inArray(accessPoint.id, [...ids])));
  const reports = new Map(rows.map((row) => [row.gateway, pointsOf(row)]));
  return ids.flatMap((id) => {
    const row = rows.find((one) => one.id === id);
    const said = row && reports.get(row.gateway)?.find((one) => one.id === id);
    return row ? [{ id, gateway: row.gateway, lock: said?.lock, reads: said?.reads, codes: said?.codes }] : [];
  });
}

/** What a gateway says of its access points. */
export function pointsOf({ report }: Pick<GatewayRow, "report">): Report["accessPoints"] {
  return report === null ? [] : (JSON.parse(report) as Report).accessPoints;
}
