/** From the administrator's click to the door: a grant usable, a revocation in force, and that known in the cloud. */
import { decide } from "../../gateway/domain/decide.ts";
import { circumstancesAt } from "../../gateway/flows/site-parts.ts";
import { type MadeGrant, WholeSite } from "../support/whole-site.ts";
import { type Benchmark, percentile, row } from "./row.ts";

const rounds = 60;

export const benchmark: Benchmark = {
  name: "feed",
  async run() {
    const site = await WholeSite.start();
    try {
      const usable: number[] = [];
      const refused: number[] = [];
      const confirmed: number[] = [];
      for (let round = 0; round < rounds; round += 1) {
        let began = performance.now();
        const grant = await site.grant();
        await turnsUntil(() => opens(site, grant));
        usable.push(performance.now() - began);

        began = performance.now();
        await site.revoke(grant);
        await turnsUntil(() => !opens(site, grant));
        refused.push(performance.now() - began);
        while (!(await isConfirmed(site, grant.id))) await new Promise(setImmediate);
        confirmed.push(performance.now() - began);
      }
      const figure = (name: string, samples: readonly number[], goalMs: number) => {
        const p95 = percentile(samples, 0.95);
        return row(`${name}, p95`, p95, "ms", `≤ ${goalMs.toLocaleString("en")} ms`, p95 <= goalMs);
      };
      return [
        figure("grant created by the API → usable at the door", usable, 1_000),
        figure("grant revoked by the API → refused at the door", refused, 1_000),
        figure("grant revoked → the API says it is confirmed", confirmed, 500),
      ];
    } finally {
      await site.stop();
    }
  },
};

/** What the gateway would answer now to this PIN at the box. */
function opens(site: WholeSite, { pin }: MadeGrant): boolean {
  const { parts } = site.gateway.site;
  const request = { accessPoint: "box-1", presented: { kind: "pin", index: parts.seal.index("pin", pin) } } as const;
  return decide(request, parts.records, circumstancesAt(parts, "box-1")).outcome === "granted";
}

async function isConfirmed(site: WholeSite, grant: string): Promise<boolean> {
  const { confirmations } = await site.admin<{ confirmations: { confirmed: boolean }[] }>(
    "GET",
    `/api/sites/${site.site}/grants/${grant}`,
  );
  return confirmations.every(({ confirmed }) => confirmed);
}

async function turnsUntil(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise(setImmediate);
}
