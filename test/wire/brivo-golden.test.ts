/** What the simulated Brivo answers, held against exchanges that were written down from the maker's own manual. */
import { test } from "node:test";
import { BrivoServer } from "../../firmware-sim/links/brivo.ts";
import { SimCloudDoor } from "../../firmware-sim/sim-cloud-door.ts";
import { goldenExchanges, playExchange } from "../support/golden-exchange.ts";
import { SimClock } from "../support/sim-clock.ts";

test("the simulated Brivo answers as its maker describes it", async (t) => {
  const clock = new SimClock(Date.UTC(2031, 2, 4, 12));
  const doors = [
    new SimCloudDoor({ id: 111_111, name: "Front door", clock, syncMs: 0 }),
    new SimCloudDoor({ id: 111_112, name: "Vault", clock, syncMs: 0 }),
  ];
  const server = new BrivoServer({
    doors,
    groups: [{ id: 16_632, name: "First Floor", doors: [111_111] }],
    clientId: "ABC-123-456",
    clientSecret: "qwerty98765",
    apiKey: "golden-api-key",
    admin: { username: "admin", password: "s&cret" },
    site: { id: 11_111, name: "Site 1" },
    clock,
    quirks: { notActivated: [111_112] },
  });
  const { authUrl: url } = await server.start();
  t.after(() => server.stop());
  const kept = new Map<string, string>();
  for (const exchange of goldenExchanges("brivo.json"))
    await t.test(exchange.name, (step) => playExchange(exchange, { url, kept, signal: step.signal }));
});
