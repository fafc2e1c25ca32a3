/** A site on the real disk with many grants and locks that obey at once: what is measured is ours, not a lock's motor. */

import type { AccessPoint } from "../../gateway/domain/access-point.ts";
import type { AccessRequest } from "../../gateway/domain/decide.ts";
import { noCursor } from "../../gateway/domain/feed.ts";
import { portions } from "../../gateway/flows/reconcile-site.ts";
import type { SiteParts } from "../../gateway/flows/site-parts.ts";
import type { CloudLink } from "../../gateway/ports/cloud-link.ts";
import type { Device } from "../../gateway/ports/device.ts";
import { silentLogger } from "../../gateway/ports/logger.ts";
import { noPeers } from "../../gateway/ports/peer-link.ts";
import { type RunningSite, startSite } from "../../gateway/site.ts";
import { nodeDisk } from "../../gateway/storage/node-disk.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import { CredentialSeal } from "../../gateway/wire/credential-seal.ts";
import { aGrant, aPage, aSite, grantRow, siteRow } from "../support/site-fixture.ts";

export interface BenchSite extends RunningSite {
  readonly parts: SiteParts;
  /** A known PIN at a door of the caller's own. */
  request(number: number, caller: number): AccessRequest;
}

const doors = 64;
const doorIds = Array.from({ length: doors }, (_, door) => `door-${door}`);

/** A cloud that never answers. */
export const noCloud: CloudLink = {
  poll: (_request, signal) => untilAborted(signal),
  push: (_batch, signal) => untilAborted(signal),
  audit: (_part, signal) => untilAborted(signal),
  report: (_report, signal) => untilAborted(signal),
};

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

/** The site of a data folder as it is, with these devices besides those of its doors. */
export async function openBenchSite(folder: string, others: readonly Device[] = []): Promise<BenchSite> {
  const site = await startSiteOf(folder, [...doorIds.map(anObedientLock), ...others]);
  return {
    ...site,
    request: (number, caller) => ({
      accessPoint: `door-${caller % doors}`,
      presented: { kind: "pin", index: `grant-${number}`.padEnd(43, "_") },
    }),
  };
}

/** Where nothing else is said every device is lock and reader of an access point of its name. */
export function startSiteOf(
  folder: string,
  devices: readonly Device[],
  accessPoints = devices.map(({ id }): AccessPoint => ({ id, name: id, lock: id, readers: [id], holdMs: 1_000 })),
): Promise<RunningSite> {
  return startSite({
    gateway: "gateway-1",
    epoch: 1,
    version: "bench",
    folder,
    accessPoints,
    devices,
    seal: new CredentialSeal("site-1", new Uint8Array(32)),
    link: noCloud,
    peers: noPeers,
    systemClockWithinMs: 1_000,
    clock: systemClock,
    disk: nodeDisk,
    logger: silentLogger,
    random: Math.random,
    onFailed: (error) => {
      throw error;
    },
  });
}

/** A new site with so many grants, each for so many of its doors. */
export async function aBenchSite(
  folder: string,
  grants: number,
  doorsEach = doors,
  others: readonly Device[] = [],
): Promise<BenchSite> {
  const site = await openBenchSite(folder, others);
  const now = systemClock.wall();
  const rows = Array.from({ length: grants }, (_, number) =>
    grantRow(
      aGrant(`grant-${number}`, {
        kind: "stay",
        accessPoints: doorIds.slice(0, doorsEach),
        validity: { from: now - 3_600_000, until: now + 30 * 24 * 3_600_000 },
        entriesAllowed: 1_000_000,
      }),
    ),
  );
  for (const page of portions(aPage([siteRow(aSite()), ...rows], { reset: true }), noCursor)) {
    await site.parts.journal.record({ kind: "page", page, at: now }).durable;
  }
  return {
    ...site,
    request: (number, caller) => site.request(number % grants, caller),
  };
}

export function anObedientLock(id: string): Device {
  return {
    id,
    start: async () => undefined,
    stop: async () => undefined,
    status: () => ({ link: "online", since: 0 }),
    subscribe: () => () => undefined,
    lock: {
      relocks: "by-itself",
      release: async () => "confirmed",
      secure: async () => "confirmed",
      state: () => ({ bolt: "secured", basis: "assumed" }),
    },
  };
}
