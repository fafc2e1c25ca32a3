/**
 * The same pass at two gates at the same moment, under two guards' phones each, on line and cut off: never one entry too many. ROUNDS and SEED in
 * the environment make a longer run, or another one.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { RunningGateway } from "../../gateway/gateway.ts";
import { recentEvents } from "../../gateway/http/recent-events.ts";
import { silentLogger } from "../../gateway/ports/logger.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import { anAccount, GuardPhone } from "../support/guard-phone.ts";
import { aLanGateway, aLanSite, type LanSite } from "../support/lan-site.ts";
import { Random } from "../support/random.ts";
import { until } from "../support/until.ts";
import { Box } from "../support/whole-site.ts";

const rounds = Number(process.env.ROUNDS ?? 200);
const seed = Number(process.env.SEED ?? 1);
const names = ["west", "east"];
const guards = ["rosa", "raul"];
const mostEntries = 3;
/** A phone whose answer is slow to come sends the same once more. */
const impatience = 0.2;

test(`${rounds} passes, each at two gates under four phones at once, seed ${seed}: none lets in one too many`, async (t) => {
  const random = new Random(seed);
  const site = await aLanSite(t);
  const gateways: RunningGateway[] = [];
  for (const name of names) gateways.push(await aLanGateway(site, name));
  for (const [number, name] of names.entries()) {
    const box = new Box(name, gateways[number]!, silentLogger);
    site.after.defer(() => box.stop());
    box.link.start();
    await box.isConnected();
  }
  await until("the cloud knows both gates", async () => (await read(site, "sites/demo/access-points")).length === 2);
  const admin = async (method: string, path: string, body?: object) => (await site.cloud.ask(method, path, body)).body;
  const ids: string[] = [];
  for (const name of guards) ids.push(await anAccount({ admin, site: "demo" }, name, { name, role: "guard" }));
  const passes: Pass[] = [];
  for (let round = 0; round < rounds; round += 1) passes.push(await aPass(site, 1 + random.int(mostEntries)));
  await until("both gateways know the guards, the passes and each other", () =>
    gateways.every(({ site: { parts } }) => {
      const onLan = parts.records.peers().filter(({ lan }) => lan !== undefined);
      const isKnown = (id: string) => parts.records.grant(id) !== undefined;
      return (
        ids.every((id) => parts.records.staff(id)) &&
        passes.every(({ id }) => isKnown(id)) &&
        onLan.toArray().length === names.length
      );
    }),
  );
  const phones: { readonly gate: string; readonly phone: GuardPhone }[] = [];
  for (const [number, gate] of names.entries())
    for (const name of guards) phones.push({ gate, phone: await GuardPhone.signIn(gateways[number]!.http.url, name) });

  const answered = new Map<string, number>();
  for (const [round, pass] of passes.entries()) {
    if (round === Math.ceil(rounds / 2)) site.line.cut();
    const words = phones.flatMap(({ phone }, number) => {
      const word = { record_uid: pass.recordUid, nonce: `two-gates-${seed}-${round}-${number}-of-one-round` };
      const once = send(phone, word);
      return random.chance(impatience) ? [Promise.all([once, send(phone, word)])] : [once.then((body) => [body])];
    });
    let entries = 0;
    for (const answers of await Promise.all(words)) {
      const granted = answers.filter(({ access_granted }) => access_granted);
      // A denial is not kept: sent again, the same may find that an entry has come meanwhile.
      const numbers = new Set(granted.map(({ entry }) => entry));
      assert.ok(numbers.size <= 1, `seed ${seed}, round ${round}: a repeat is the same entry`);
      if (granted.length > 0) entries += 1;
    }
    assert.ok(entries <= pass.entriesAllowed, `seed ${seed}, round ${round}: ${entries} of ${pass.entriesAllowed}`);
    answered.set(pass.id, entries);
  }

  const written = await entriesOf(gateways);
  for (const { id, entriesAllowed } of passes) {
    const entries = written.get(id) ?? 0;
    assert.ok(entries <= entriesAllowed, `seed ${seed}: the journals have ${entries} of ${entriesAllowed}`);
    assert.equal(entries, answered.get(id), `seed ${seed}: what the phones were told is what was written`);
  }
  site.line.mend();
  await until("every gateway has told all", () => gateways.every(({ site: one }) => one.sync.queue === 0));
  const used = new Map<string, number>();
  for (let after: string | null = ""; after !== null; ) {
    const { body } = await site.cloud.ask("GET", `/api/passes?site=demo&limit=100${after}`);
    for (const { id, entriesUsed } of body.items) used.set(id, entriesUsed);
    after = body.next && `&after=${encodeURIComponent(body.next)}`;
  }
  for (const { id } of passes) assert.equal(used.get(id), written.get(id) ?? 0, "the cloud counts as the journals do");

  const all = [...written.values()].reduce((sum, entries) => sum + entries, 0);
  const allowed = passes.reduce((sum, { entriesAllowed }) => sum + entriesAllowed, 0);
  t.diagnostic(`${all} entries of ${allowed} that were allowed, ${4 * rounds} asked for`);
  assert.ok(all > rounds / 4, `there was something to count: ${all} entries`);
});

interface Pass {
  readonly id: string;
  readonly recordUid: string;
  readonly entriesAllowed: number;
}

async function aPass({ cloud }: LanSite, entriesAllowed: number): Promise<Pass> {
  const { status, text, body } = await cloud.ask("POST", "/api/passes", {
    site: "demo",
    visitorName: "Lea",
    accessPoints: names,
    validity: "custom",
    until: new Date(systemClock.wall() + 6 * 3_600_000).toISOString(),
    entriesAllowed,
  });
  assert.equal(status, 201, text);
  return body;
}

async function read({ cloud }: LanSite, path: string): Promise<readonly unknown[]> {
  return (await cloud.ask("GET", `/api/${path}`)).body.items;
}

/** Until the gateway has taken it: one that has too much to do says when to come back. */
async function send(phone: GuardPhone, word: object) {
  let answer = await phone.enter(word);
  await until("the gateway has an answer", async () => {
    if (answer.status !== 429 && answer.status !== 503) return true;
    answer = await phone.enter(word);
    return false;
  });
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  return answer.body as { readonly access_granted: boolean; readonly entry: number | null };
}

/** By pass: admissions in all journals whose right was not given back. */
async function entriesOf(gateways: readonly RunningGateway[]): Promise<ReadonlyMap<string, number>> {
  const entries = new Map<string, number>();
  for (const { site } of gateways) {
    await site.parts.journal.flushed();
    for (const event of await recentEvents(site.parts.journal, 100_000)) {
      const change = event.type === "admitted" ? 1 : event.type === "void" ? -1 : 0;
      if ("grant" in event && change !== 0) entries.set(event.grant!, (entries.get(event.grant!) ?? 0) + change);
    }
  }
  return entries;
}
