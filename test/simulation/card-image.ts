/** S1: a start from the snapshot and the journal behind it gives the same records as one from the journal alone. */
import { isDeepStrictEqual } from "node:util";
import type { EntryEvent } from "../../gateway/domain/entry-event.ts";
import type { SnapshotItem } from "../../gateway/domain/site-records.ts";
import { recentEvents } from "../../gateway/http/recent-events.ts";
import type { SiteStore } from "../../gateway/storage/open-site-store.ts";
import type { SimDisk } from "../support/sim-disk.ts";
import { aStore } from "../support/site-store.ts";
import type { GatewayNode } from "./gateway-node.ts";
import { Violation } from "./violation.ts";

const snapshots = "/data/snapshot/";
const firstSegment = "/data/journal/000001.jsonl";

/** Opens two copies of the card as it is now, one of them without its snapshots. */
export async function checkSnapshot(node: GatewayNode): Promise<void> {
  const whole = node.disk.copy();
  const hasBoth = whole.paths.includes(firstSegment) && whole.paths.some((path) => path.startsWith(snapshots));
  if (!hasBoth) return;
  const journalAlone = node.disk.copy();
  for (const path of journalAlone.paths) if (path.startsWith(snapshots)) journalAlone.delete(path);
  const [fromBoth, fromJournal] = [await recordsOn(whole, node), await recordsOn(journalAlone, node)];
  for (const key of new Set([...fromBoth.keys(), ...fromJournal.keys()])) {
    const [one, other] = [fromBoth.get(key), fromJournal.get(key)];
    if (!isDeepStrictEqual(one, other))
      throw new Violation("S1", `${key}: snapshot ${JSON.stringify(one)}, journal alone ${JSON.stringify(other)}`);
  }
}

/** All events on the card as it is now, once there is room: on a full disk the last ones are told to nobody before they were written again. */
export async function eventsWithRoom(node: GatewayNode): Promise<EntryEvent[]> {
  const store = await openCopy(node.disk.copy(), node);
  const events = await recentEvents(store.journal, 100_000);
  await store.close();
  return events;
}

/** Grow older by different measures, and X1 looks after them. */
const ageing: readonly SnapshotItem["item"][] = ["lockout", "wrong-pins"];

/** What it is about → what is known of it. Beside the dump, which writes snapshots too, what the records answer the cloud. */
async function recordsOn(disk: SimDisk, node: GatewayNode): Promise<Map<string, unknown>> {
  const store = await openCopy(disk, node);
  const { records } = store.cache;
  const items = [...records.dump(0)].filter(({ item }) => !ageing.includes(item));
  const known = new Map<string, unknown>(items.map((item) => [keyOf(item), item]));
  for (const [grant, rights] of records.account.rights) known.set(`rights of ${grant}`, rights);
  for (const id of records.account.revoked) known.set(`revocation of ${id}`, true);
  await store.close();
  return known;
}

function openCopy(disk: SimDisk, { identity, doors, limits }: GatewayNode): Promise<SiteStore> {
  const { gateway, epoch } = identity;
  return aStore(disk.mount(), "/data", { gateway, epoch, accessPoints: doors, limits });
}

function keyOf(item: SnapshotItem): string {
  switch (item.item) {
    case "row":
    case "staged":
      return `${item.item} ${item.row.kind} ${item.row.id}`;
    case "ledger":
      return `ledger ${item.grant}`;
    case "revoked":
      return `revoked ${item.id}`;
    case "seen":
      return `seen ${item.origin.device}`;
    case "unfinished":
      return `unfinished ${JSON.stringify(item.unfinished)}`;
    default:
      return item.item;
  }
}
