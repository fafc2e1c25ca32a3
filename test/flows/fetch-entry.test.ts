/** An entry asked of a neighbour: what is written down of its answer. Simulated clock and disk, the rest is real. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { FeedRow } from "../../gateway/domain/feed.ts";
import { fetchEntry } from "../../gateway/flows/fetch-entry.ts";
import type { EntryReply } from "../../gateway/ports/peer-link.ts";
import { rowSum } from "../../gateway/wire/feed.ts";
import { startLoneSite } from "../support/lone-site.ts";
import { SimClock } from "../support/sim-clock.ts";
import { aGrant, aPage, aSite, grantRow, noon, siteRow } from "../support/site-fixture.ts";

const limited = (id: string) => aGrant(id, { entriesAllowed: 3, homeGateway: "gateway-2" });

test("an entry counts as from the gateway that was asked, and an answer in another name is not written down", async () => {
  const { site, grants } = await givenNeighbour((asked) => ({
    from: asked === "ann" ? "gateway-2.4" : "gateway-3.1",
    total: 1,
  }));

  await fetchEntry(site.parts, grants.ann);
  await fetchEntry(site.parts, grants.bob);

  assert.deepEqual(site.parts.records.registers("ann").received, { "gateway-2.4": 1 });
  assert.deepEqual(site.parts.records.registers("bob").received, {});
  assert.deepEqual([...site.parts.receivedAt.keys()], ["ann"]);
});

test("when an entry came is remembered only for as long as it has to stay", async () => {
  const { site, grants, clock } = await givenNeighbour(() => ({ from: "gateway-2.4", total: 1 }));

  await fetchEntry(site.parts, grants.ann);
  while (clock.step(29_999));
  await fetchEntry(site.parts, grants.bob);
  assert.deepEqual([...site.parts.receivedAt.keys()], ["ann", "bob"]);
  while (clock.step(30_000));
  await fetchEntry(site.parts, grants.cyd);

  assert.deepEqual([...site.parts.receivedAt.keys()], ["bob", "cyd"]);
});

/** A neighbour in its fourth epoch that answers as told. */
async function givenNeighbour(answer: (grant: string) => EntryReply) {
  const clock = new SimClock(noon);
  const site = await startLoneSite({
    peers: { address: undefined, ask: async (_gateway, { grant }) => answer(grant) },
    clock,
    limits: { segmentBytes: 64 * 1024 },
  });
  const body = { id: "gateway-2", name: "Back gate", epoch: 4, publicKey: "key", lan: "127.0.0.1:1" };
  const neighbour = { kind: "gateway" as const, id: body.id, ver: 1, body };
  const row: FeedRow = { ...neighbour, sum: rowSum(neighbour) };
  const grants = { ann: limited("ann"), bob: limited("bob"), cyd: limited("cyd") };
  const rows = Object.values(grants).map((grant) => grantRow(grant, 1, 0));
  await site.parts.journal.record({ kind: "page", page: aPage([siteRow(aSite()), row, ...rows]), at: noon }).durable;
  return { site, grants, clock };
}
