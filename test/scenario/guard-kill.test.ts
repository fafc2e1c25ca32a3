/**
 * The gateway's process is killed between a guard's word and its answer, at several gates at once: whoever sends the same word again gets one
 * entry. A start costs seconds, so few lives of many words. KILLS and SEED in the environment make a longer run, or another one.
 */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import type { ServiceProcess } from "../../cli/service-process.ts";
import type { EntryEvent } from "../../gateway/domain/entry-event.ts";
import { nodeDisk } from "../../gateway/storage/node-disk.ts";
import { showJournal, verifyFolder } from "../../gateway/storage/verify-journal.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import { gatewayProcess } from "../support/gateway-process.ts";
import { aGuard, GuardPhone, type PhoneAnswer } from "../support/guard-phone.ts";
import { InsistentBox } from "../support/insistent-box.ts";
import { Random } from "../support/random.ts";
import { until } from "../support/until.ts";
import { WholeSite } from "../support/whole-site.ts";

const kills = Number(process.env.KILLS ?? 10);
const seed = Number(process.env.SEED ?? 1);
const gates = Array.from({ length: 10 }, (_, number) => `gate-${number + 1}`);
/** About as long as a word takes. */
const wordMs = 40;
const moments = ["sent", "moving", "answered"] as const;
const readyDeadlineMs = 120_000;
const password = "guard-kill-box-password-0123456789";
const key = Buffer.alloc(32, 11);

const random = new Random(seed);
const boxes = gates.map((id) => new InsistentBox({ id, key, password }));
let site: WholeSite;
let gateway: ServiceProcess;
let url: string;

before(async () => {
  site = await WholeSite.start({ boxes: [] });
  await aGuard(site);
  await site.gateway.stop();
  gateway = gatewayProcess({ folder: site.folder, cloudUrl: site.cloudUrl, boxes: gates, password, key, holdMs: 100 });
});
after(async () => {
  await Promise.all(boxes.map((box) => box.stop()));
  await gateway?.kill();
  await site?.stop();
});

test(`${kills} kills with ${gates.length} guards' words under way, seed ${seed}: each word sent again is one entry, and its photo is there`, async (t) => {
  await start();
  await until("the cloud knows the gates", async () => {
    const { items } = await site.admin<{ items: unknown[] }>("GET", "/api/sites/demo/access-points");
    return items.length === gates.length;
  });
  const words: Word[] = [];
  for (let life = 0; life < kills; life += 1)
    for (const gate of gates) words.push(await aWord(gate, `${seed}-${life}`));
  const { version } = await site.admin<{ version: number }>("GET", "/api/sites/demo");
  await until("the gateway knows the passes", async () => (await knownVersion()) >= version);

  const seen = { answered: 0, counted: 0, open: 0, unknown: 0, notMoved: 0 };
  for (let life = 0; life < kills; life += 1) {
    const ofLife = words.slice(life * gates.length, (life + 1) * gates.length);
    const first = await killedAmid(ofLife);
    const onDisk = await journalOnDisk();
    await start();
    const phone = await GuardPhone.signIn(url, "rosa");
    await Promise.all(
      ofLife.map(async (word, number) => {
        const where = `seed ${seed}, life ${life}, ${word.record.access_point}`;
        const before = admittedBy(onDisk, word.grant);
        assert.ok(before <= 1, where);
        const again = await send(phone, word);
        if (before === 0)
          assert.equal(first[number], undefined, `${where}: nothing is answered that is not on the disk`);
        if (first[number]?.status === 200) {
          assert.deepEqual([again.access_granted, again.entry], [true, first[number].body.entry], where);
          seen.answered += 1;
        }
        seen.counted += before;
        if (again.gate === "unknown") seen.unknown += 1;
        else if (again.gate === "not-moved") seen.notMoved += 1;
        else seen.open += 1;
        const other = await send(phone, { ...word, record: { ...word.record, nonce: `${word.record.nonce}-other` } });
        // Where the gate certainly did not move the entry was given back, and the next one is the first.
        assert.equal(other.access_granted, again.gate === "not-moved", where);
        if (!other.access_granted) assert.equal(other.reason, "LIMIT_REACHED", where);
        const strikes = boxes[number]!.releases.get(word.grant) ?? 0;
        assert.ok(strikes <= 1, `${where}: the strike moved ${strikes} times`);
        if (again.gate === "open") assert.equal(strikes, 1, where);
        assert.deepEqual(await phone.readPhoto(word.record.photo), Buffer.from(word.jpeg), `${where}: the photo`);
      }),
    );
  }

  await until("the cloud has everything", async () => (await status())?.sync.queue === 0);
  await gateway.stop();
  const journal = await journalOnDisk();
  assert.deepEqual(
    journal.map(({ seq }) => seq),
    journal.map((_, index) => index + 1),
  );
  for (const { grant, record } of words) {
    const spent =
      admittedBy(journal, grant) - journal.filter((one) => one.type === "void" && one.grant === grant).length;
    assert.equal(spent, 1, `seed ${seed}: ${record.nonce} is one entry`);
    const { entriesUsed } = await site.admin<{ entriesUsed: number }>("GET", `/api/passes/${grant}`);
    assert.equal(entriesUsed, 1, `seed ${seed}: the cloud counts one`);
  }
  assert.deepEqual((await verifyFolder(nodeDisk, join(site.folder, "gateway"))).findings, []);
  t.diagnostic(`${words.length} words: ${JSON.stringify(seen)}`);
  assert.ok(seen.answered < words.length, "some were killed before they were answered");
});

interface Word {
  readonly grant: string;
  readonly jpeg: Uint8Array;
  readonly record: {
    readonly record_uid: string;
    readonly access_point: string;
    readonly nonce: string;
    photo: string;
  };
}

async function aWord(gate: string, mark: string): Promise<Word> {
  const { id, recordUid } = await site.admin<{ id: string; recordUid: string }>("POST", "/api/passes", {
    site: site.site,
    visitorName: "Lea",
    accessPoints: [gate],
    validity: "custom",
    until: new Date(systemClock.wall() + 6 * 3_600_000).toISOString(),
    entriesAllowed: 1,
  });
  const jpeg = Uint8Array.from([0xff, 0xd8, 0xff, ...Buffer.from(`${mark} ${gate}`), ...new Uint8Array(20_000)]);
  const nonce = `guard-kill-${mark}-${gate}`;
  return { grant: id, jpeg, record: { record_uid: recordUid, access_point: gate, nonce, photo: "" } };
}

/** Sends all at once and kills the process amid them. Answers what was answered before. */
async function killedAmid(words: readonly Word[]): Promise<readonly (PhoneAnswer | undefined)[]> {
  const phone = await GuardPhone.signIn(url, "rosa");
  for (const [number, word] of words.entries()) {
    const { status, body } = await phone.photo(word.jpeg);
    assert.equal(status, 200);
    word.record.photo = body.sha256;
    boxes[number]!.presser = word.grant;
  }
  const moved = Promise.race(boxes.map(moves));
  const asked = words.map(({ record }) => phone.enter(record).catch(() => undefined));
  const moment = random.pick(moments);
  if (moment === "sent") await pause(random.int(wordMs));
  else await Promise.race(moment === "moving" ? [moved, ...asked] : asked);
  if (random.chance(0.5)) await pause(random.int(4));
  await gateway.kill();
  return Promise.all(asked);
}

/** When it obeys a release next. */
function moves({ model }: InsistentBox): Promise<void> {
  return new Promise((resolve) => {
    const stop = model.onChange(() => {
      if (model.view().bolt !== "released") return;
      stop();
      resolve();
    });
  });
}

/** As often as it is told to come again. */
async function send(phone: GuardPhone, { record }: Word) {
  let answer = await phone.enter(record);
  await until("the gateway has an answer", async () => {
    if (answer.status !== 429 && answer.status !== 503) return true;
    answer = await phone.enter(record);
    return false;
  });
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  return answer.body as {
    readonly access_granted: boolean;
    readonly reason: string | null;
    readonly gate: string;
    readonly entry: number | null;
  };
}

async function start(): Promise<void> {
  const { url: at, brokerPort, caFile } = await gateway.start(readyDeadlineMs);
  url = String(at);
  const line = { port: Number(brokerPort), ca: await readFile(String(caFile), "utf8") };
  for (const box of boxes) assert.ok(await box.connect(line));
  // Else a gate may certainly not move.
  await until("the gateway has heard of every box", async () =>
    ((await status())?.devices ?? [{ link: "unheard" }]).every(({ link: how }) => how === "online"),
  );
}

/** The files as the killed process left them. */
async function journalOnDisk(): Promise<EntryEvent[]> {
  const events: EntryEvent[] = [];
  for await (const { record } of showJournal(nodeDisk, join(site.folder, "gateway")))
    if (record.kind === "event") events.push(record.event);
  return events;
}

function admittedBy(journal: readonly EntryEvent[], grant: string): number {
  return journal.filter((event) => event.type === "admitted" && event.grant === grant).length;
}

/** undefined: it was asked too often. */
async function status() {
  const answer = await fetch(`${url}/api/status`, { signal: AbortSignal.timeout(60_000) });
  if (!answer.ok) return undefined;
  return (await answer.json()) as {
    readonly sync: { readonly queue: number; readonly cursor: { readonly version: number } };
    readonly devices: readonly { readonly link: string }[];
  };
}

async function knownVersion(): Promise<number> {
  return (await status())?.sync.cursor.version ?? 0;
}
