/** What a gateway's pages are made from, where a test has no broker, no neighbours and no disk to look at. */
import type { SiteParts } from "../../gateway/flows/site-parts.ts";
import type { StatusSources } from "../../gateway/http/status.ts";

export function statusSources(site: SiteParts, sync: () => ReturnType<StatusSources["sync"]>): StatusSources {
  return {
    site,
    name: "North gate",
    version: "test",
    machine: "localhost",
    hosts: [],
    startedAt: 0,
    caCertificate: "",
    drivers: new Map(),
    sync,
    broker: () => ({}),
    disk: async () => ({ freeBytes: 1e9, low: false }),
    peerReached: () => undefined,
    peerSeenAgoMs: () => undefined,
  };
}
