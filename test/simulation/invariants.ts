/** What must hold at every moment, beyond what is checked where it happens (world.ts, gateway-node.ts). */
import { sql } from "drizzle-orm";
import { rowsOf, type Store } from "../../cloud-sync/store/store.ts";
import { held } from "../../gateway/domain/rights.ts";
import type { GatewayNode } from "./gateway-node.ts";
import { Violation } from "./violation.ts";

/** After every step. `time`: the true one, in milliseconds since 1970. */
export function checkMoment(nodes: readonly GatewayNode[], time: number, monotonic: number): void {
  for (const node of nodes) {
    checkClock(node, time);
    checkBolts(node, monotonic);
    checkEntries(node);
  }
  checkDigests(nodes);
}

/** T1: what decide() sees as the earliest time never goes back. T2: the true time lies in what it sees. */
export function checkClock(node: GatewayNode, time: number): void {
  const process = node.process;
  if (!process?.site) return;
  const { earliest, latest } = process.site.parts.time.interval();
  if (earliest > time || latest < time)
    throw new Violation("T2", `gateway ${node.number} takes the time for ${earliest} to ${latest}, and it is ${time}`);
  if (earliest < process.earliest)
    throw new Violation("T1", `gateway ${node.number}: the time went back by ${process.earliest - earliest} ms`);
  process.earliest = earliest;
}

/** R1: a bolt that its lock did not put back is put back by the gateway that released it. */
function checkBolts(node: GatewayNode, monotonic: number): void {
  for (const [door, { owner, until }] of node.bolts)
    if (owner.alive && owner === node.process && monotonic > until + relockWithinMs)
      throw new Violation("R1", `the bolt of ${door} is still out ${monotonic - until} ms after its hold time`);
}

/** E1: nobody spends, lends or gives back an entry it does not hold. */
function checkEntries(node: GatewayNode): void {
  for (const [grant, rights] of node.process?.site?.parts.records.account.rights ?? [])
    if (held(rights) < 0) throw new Violation("E1", `gateway ${node.number} has ${held(rights)} entries of ${grant}`);
}

/** P1: the cloud has never placed more entries of a grant than its limit, less those it has back. `limits`: grant → limit. */
export async function checkPlaced(store: Store, site: string, limits: ReadonlyMap<string, number>): Promise<void> {
  const placed = await rowsOf<{ grant_id: string; entries: string }>(
    store.db,
    sql`select grant_id, sum(granted - returned)::text as entries from holding where site_id = ${site} group by grant_id`,
  );
  for (const { grant_id: grant, entries } of placed)
    if (Number(entries) > (limits.get(grant) ?? Number.POSITIVE_INFINITY))
      throw new Violation("P1", `${entries} entries of ${grant} are placed, its limit is ${limits.get(grant)}`);
}

/** The grace a lock has to report its bolt, and some for telling it. */
const relockWithinMs = 6_000;

/** V1: who is as far in the same feed has the same set. */
function checkDigests(nodes: readonly GatewayNode[]): void {
  const sets = new Map<string, string>();
  for (const node of nodes) {
    const records = node.process?.site?.parts.records;
    if (!records || records.cursor.version === 0) continue;
    const at = `${records.cursor.feed} ${records.cursor.version}`;
    const digest = JSON.stringify(records.checksum);
    const other = sets.get(at) ?? digest;
    if (other !== digest) throw new Violation("V1", `at ${at} gateway ${node.number} has ${digest}, another ${other}`);
    sets.set(at, digest);
  }
}
