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
  const wanted = and(eq(accessPoint.siteId, siteId), inArray(accessPoint.id, [...ids]));
  const servedBy = new Map(
    (await db.select({ id: accessPoint.id, gateway: accessPoint.gatewayId }).from(accessPoint).where(wanted)).map(
      (row) => [row.id, row.gateway],
    ),
  );
  // A report is long and told once for all the doors of its gateway.
  const rows = await db
    .select({ id: gateway.id, report: gateway.report })
    .from(gateway)
    .where(and(eq(gateway.siteId, siteId), inArray(gateway.id, [...new Set(servedBy.values())])));
  const said = new Map(rows.map((row) => [row.id, new Map(pointsOf(row).map((point) => [point.id, point]))]));
  return ids.flatMap((id) => {
    const by = servedBy.get(id);
    const point = by === undefined ? undefined : said.get(by)?.get(id);
    if (by === undefined) return [];
    const { lock, reads, kinds, codes, noCodes } = point ?? {};
    return [{ id, gateway: by, lock, reads, kinds, codes, noCodes }];
  });
}

/** What a gateway says of its access points. */
export function pointsOf({ report }: Pick<GatewayRow, "report">): Report["accessPoints"] {
  return report === null ? [] : (JSON.parse(report) as Report).accessPoints;
}
