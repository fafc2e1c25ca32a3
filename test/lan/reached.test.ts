/** Who sees whom on the LAN, as the status page tells it. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { PeerLan } from "../../gateway/lan/peer-lan.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import { until } from "../support/until.ts";
import { aSiteOf, goneRow, type Neighbour, peerRow } from "./neighbours.ts";

test("a gateway that answers is seen; one that does not, lies or is no more is not", async (t) => {
  const [west, east, north] = await aSiteOf(t, ["west", "east", "north", "south"]);
  await west!.hear(peerRow(east!.card(), 2), peerRow(north!.card({ publicKey: "x".repeat(43) }), 2));
  await west!.hear(goneRow("south"));
  const lan = await restarted(t, west!);

  await until("all have been looked for", () => lan.reached("north") !== undefined);
  assert.deepEqual(
    ["west", "east", "north", "south"].map((id) => lan.reached(id)),
    [undefined, true, false, undefined],
  );
  assert.ok(lan.seenAgoMs("east")! >= 0);
  assert.equal(lan.seenAgoMs("north"), undefined);

  await east!.lan.close();
  const later = await restarted(t, west!);
  await until("it was looked for again", () => later.reached("east") !== undefined);
  assert.equal(later.reached("east"), false);
  assert.ok(west!.log.has("peer-not-seen"));
});

test("a gateway that hears of others later looks for them then", async (t) => {
  const [west, east] = await aSiteOf(t, ["west", "east"]);
  const sleeps: (() => void)[] = [];
  const clock = {
    ...systemClock,
    sleep: (_ms: number, signal?: AbortSignal) =>
      new Promise<void>((resolve, reject) => {
        signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
        sleeps.push(resolve);
      }),
  };
  await west!.hear(goneRow("east"));
  const lan = await restarted(t, west!, clock);
  await until("it rests", () => sleeps.length === 1);
  assert.equal(lan.reached("east"), undefined);

  await west!.hear(peerRow(east!.card(), 3));
  sleeps.shift()?.();

  await until("it has looked", () => lan.reached("east") === true);
});

/** The LAN of a gateway whose process was started anew, with the records it had. */
async function restarted(
  t: TestContext,
  { id, privateKey, log, site }: Neighbour,
  clock = systemClock,
): Promise<PeerLan> {
  const settings = { host: "127.0.0.1", port: 0 };
  const lan = new PeerLan({ settings, gateway: id, privateKey, clock, logger: log.logger });
  const { records, holder } = site.parts;
  await lan.open({ records, holder, give: () => Promise.reject(new Error("nobody asks here")) });
  t.after(() => lan.close());
  return lan;
}
