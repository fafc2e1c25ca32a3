/** What the simulated Kisi answers, held against exchanges that were written down from the maker's own description. */
import { test } from "node:test";
import { KisiServer } from "../../firmware-sim/links/kisi.ts";
import { SimCloudDoor } from "../../firmware-sim/sim-cloud-door.ts";
import { goldenExchanges, playExchange } from "../support/golden-exchange.ts";
import { SimClock } from "../support/sim-clock.ts";

test("the simulated Kisi answers as its maker describes it", async (t) => {
  const clock = new SimClock(Date.UTC(2031, 2, 4, 12));
  const door = new SimCloudDoor({ id: 2006, name: "Entrance door", clock, syncMs: 0 });
  const server = new KisiServer({
    doors: [door],
    groups: [{ id: 77, name: "Hub", locks: [2006] }],
    keys: [
      { secret: "golden-key", rights: "owner" },
      { secret: "poor-key", rights: "none" },
    ],
    clock,
    quirks: { requestsPerSecond: Number.POSITIVE_INFINITY },
  });
  const { url } = await server.start();
  t.after(() => server.stop());
  const kept = new Map([
    ["key", "golden-key"],
    ["poorKey", "poor-key"],
  ]);
  for (const exchange of goldenExchanges("kisi.json"))
    await t.test(exchange.name, (step) => playExchange(exchange, { url, kept, signal: step.signal }));
});
