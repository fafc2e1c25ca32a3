/** A site alone in the world, on a simulated clock and disk, without cloud, neighbours or devices: a test says what it has besides. */
import { silentLogger } from "../../gateway/ports/logger.ts";
import { noPeers } from "../../gateway/ports/peer-link.ts";
import { type RunningSite, type SiteOptions, startSite } from "../../gateway/site.ts";
import { CredentialSeal } from "../../gateway/wire/credential-seal.ts";
import { noCloud } from "../bench/bench-site.ts";
import { SimClock } from "./sim-clock.ts";
import { SimDisk } from "./sim-disk.ts";
import { noon } from "./site-fixture.ts";
import { aloneOnTheMachine } from "./site-store.ts";

export function startLoneSite(options: Partial<SiteOptions> = {}): Promise<RunningSite> {
  return startSite({
    gateway: "gateway-1",
    epoch: 1,
    version: "test",
    folder: "/data",
    accessPoints: [],
    devices: [],
    seal: new CredentialSeal("site-1", new Uint8Array(32)),
    link: noCloud,
    peers: noPeers,
    systemClockWithinMs: 1_000,
    clock: new SimClock(noon),
    disk: new SimDisk().mount(),
    logger: silentLogger,
    random: () => 0.5,
    onFailed: (error) => {
      throw error;
    },
    processes: aloneOnTheMachine,
    // Each of a hundred crashes leaves a disk: what it makes ready ahead need not be megabytes.
    limits: { segmentBytes: 262_144, ballastBytes: 65_536 },
    ...options,
  });
}
