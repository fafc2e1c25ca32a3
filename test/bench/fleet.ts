/**
 * 1,000 gateways of 100 sites hold their polls at one cloud process; a grant is revoked, and every gateway of its site confirms that
 * with its next poll. Real signed requests, handed over without sockets; the gateways share the cloud's process, which makes it slower.
 */
import type { Clock } from "../../gateway/ports/clock.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import { givenCloud, type TestCloud, type TestGateway } from "../support/cloud.ts";
import { type Benchmark, percentile, row } from "./row.ts";

const sites = 100;
const gatewaysEach = 10;
const revocations = 100;
const longPollMs = 25_000;

export const benchmark: Benchmark = {
  name: "fleet",
  async run() {
    // One address may enrol a gateway every six seconds, so six seconds pass with each.
    let skippedMs = 0;
    const clock: Clock = { ...systemClock, monotonic: () => systemClock.monotonic() + skippedMs };
    const cloud = await givenCloud({ clock });
    const stopping = new AbortController();
    try {
      const fleet: Site[] = [];
      for (let site = 0; site < sites; site += 1) {
        fleet.push(await aSite(cloud, `site-${site}`));
        skippedMs += gatewaysEach * 6_000;
      }
      const polling = fleet.flatMap(({ gateways }) => gateways.map((gateway) => pollOn(gateway, stopping.signal)));
      const took: number[] = [];
      for (let time = 0; time < revocations; time += 1) took.push(await revoke(cloud, fleet[(time * 37) % sites]!));
      stopping.abort();
      await Promise.all(polling);
      const p95 = percentile(took, 0.95);
      return [row("revoked → confirmed, 1,000 gateways polling, p95", p95, "ms", "≤ 500 ms", p95 <= 500)];
    } finally {
      stopping.abort();
      await cloud.close();
    }
  },
};

interface Site {
  readonly id: string;
  readonly gateways: readonly TestGateway[];
}

async function aSite(cloud: TestCloud, id: string): Promise<Site> {
  await cloud.ask("POST", "/api/sites", { id, name: id, zone: "Europe/Lisbon" });
  const gateways: TestGateway[] = [];
  for (let gateway = 0; gateway < gatewaysEach; gateway += 1) gateways.push(await cloud.gateway(id, ["front"]));
  for (const gateway of gateways) await gateway.catchUp();
  return { id, gateways };
}

/** As a gateway's sync loop does: what came is on its disk at once here, so that the next poll acknowledges it. */
async function pollOn(gateway: TestGateway, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      const { body } = await gateway.poll(longPollMs, signal);
      gateway.cursor = { feed: body.feed, version: body.to };
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}

/** Milliseconds from the administrator's call until the API says that all of the site's gateways have confirmed. */
async function revoke(cloud: TestCloud, { id }: Site): Promise<number> {
  const now = Date.now();
  const made = await cloud.ask("POST", `/api/sites/${id}/grants`, {
    kind: "temporary",
    holder: { name: "Pat Holder" },
    accessPoints: ["front"],
    from: new Date(now - 60_000).toISOString(),
    until: new Date(now + 3_600_000).toISOString(),
    entriesAllowed: null,
    credentials: [{ kind: "pin" }],
  });
  const grant = `/api/sites/${id}/grants/${made.body.id}`;
  await confirmed(cloud, grant);
  const began = performance.now();
  await cloud.ask("POST", `${grant}/revoke`);
  await confirmed(cloud, grant);
  return performance.now() - began;
}

async function confirmed(cloud: TestCloud, grant: string): Promise<void> {
  for (;;) {
    const { body, text } = await cloud.ask("GET", grant);
    if (!body.confirmations) throw new Error(`no confirmations: ${text}`);
    if (body.confirmations.every((one: { confirmed: boolean }) => one.confirmed)) return;
    await new Promise(setImmediate);
  }
}
