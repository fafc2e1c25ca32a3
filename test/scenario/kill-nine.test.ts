/**
 * The real gateway process under load, killed at random moments and started again. KILLS, SEED and GRANTS in the environment make
 * a longer run, another one, or one at a site with that many grants besides those pressed.
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
import { gatewayProcess } from "../support/gateway-process.ts";
import { type BoxLine, InsistentBox } from "../support/insistent-box.ts";
import { Random } from "../support/random.ts";
import { until } from "../support/until.ts";
import { type MadeGrant, WholeSite } from "../support/whole-site.ts";

const kills = Number(process.env.KILLS ?? 20);
const otherGrants = Number(process.env.GRANTS ?? 0);
const seed = Number(process.env.SEED ?? 1);
const boxIds = ["box-1", "box-2", "box-3", "box-4"];
const entriesAllowed = 3;
const livesPerLimitedGrant = 2;
/** Faster, and a box refuses: it remembers every command for as long as that could come again. */
const pressEveryMs = 60;
/** A life of the gateway ends after so many answers at most, counted over all keypads: not after a time, in which a slow machine does less. */
const answersPerLifeMax = 40;
const startKilledWithinMs = 1_400;
/** A start is killed as well, now and then. */
const startKilledOdds = 0.2;
const readyDeadlineMs = 120_000;
const password = "kill-nine-box-password-0123456789";
const key = Buffer.alloc(32, 9);

let site: WholeSite;
let gateway: ServiceProcess;
let data: string;
const boxes = boxIds.map((id) => new InsistentBox({ id, key, password }));
const random = new Random(seed);
const startsMs: number[] = [];
const lastPressed = new Map<InsistentBox, MadeGrant>();

before(async () => {
  site = await WholeSite.start({ boxes: [] });
  await site.gateway.stop();
  data = join(site.folder, "gateway");
  gateway = gatewayProcess({ folder: site.folder, cloudUrl: site.cloudUrl, boxes: boxIds, password, key, holdMs: 100 });
});
after(async () => {
  await Promise.all(boxes.map((box) => box.stop()));
  await gateway?.kill();
  await site?.stop();
});

test(`${kills} kills of the gateway under load, seed ${seed}: nothing acknowledged is missing, nothing counts twice, no limit is exceeded`, async (t) => {
  const first = await start();
  await until("the cloud knows the doors", async () => {
    const { items } = await site.admin<{ items: unknown[] }>("GET", "/api/sites/demo/access-points");
    return items.length === boxes.length;
  });
  const unlimited: readonly MadeGrant[] = await Promise.all(boxes.map(({ id }) => site.grant({ doors: [id] })));
  const limited: readonly MadeGrant[] = await Promise.all(
    Array.from({ length: Math.ceil(kills / livesPerLimitedGrant) }, () =>
      site.grant({ doors: boxIds, entries: entriesAllowed }),
    ),
  );
  let version = Math.max(...[...unlimited, ...limited].map((grant) => grant.version));
  for (let made = 0; made < otherGrants; made += 1)
    version = (await site.grant({ doors: [random.pick(boxIds)] })).version;
  await until("the gateway knows the grants", async () => {
    const status = await statusOf(first.url);
    return status !== undefined && status.sync.cursor.version >= version;
  });

  let ready: Ready | undefined = first;
  for (let life = 0; life < kills; life += 1) {
    if (ready) {
      const once = limited[Math.floor(life / livesPerLimitedGrant)]!;
      const busy = Promise.all(boxes.map((box, i) => use(box, ready!.line, [unlimited[i]!, once])));
      const enough = answers() + random.int(answersPerLifeMax);
      await until("the keypads have been answered so often", () => answers() >= enough);
      await pause(random.int(pressEveryMs));
      await gateway.kill();
      await busy;
    }
    check(await journalOnDisk(), limited, `after kill ${life + 1}`);
    if (random.chance(startKilledOdds)) {
      const starting = gateway.start(readyDeadlineMs).catch(() => undefined);
      await pause(random.int(startKilledWithinMs));
      await gateway.kill();
      await starting;
      // Where the first came before there was a process.
      await gateway.kill();
      ready = undefined;
    } else ready = await start();
  }

  const last = ready ?? (await start());
  await Promise.all(boxes.map((box) => box.connect(last.line)));
  await until("every box is at rest and has been heard", () =>
    boxes.every((box) => box.waiting === 0 && box.model.view().bolt === "secured"),
  );
  const atRest = (await journalOnDisk()).length;
  await until("the cloud has everything", async () => (await statusOf(last.url))?.sync.queue === 0);
  await gateway.stop();
  const journal = await journalOnDisk();
  check(journal, limited, "at the end");
  const arrived = await site.cloudEvents();
  assert.ok(arrived.length >= atRest, `the cloud has ${arrived.length} events, the journal had ${atRest}`);
  // A press of a life before may be answered after all, and its bolt come back when nobody is told any more.
  assert.deepEqual(arrived, journal.slice(0, arrived.length));
  assert.deepEqual((await verifyFolder(nodeDisk, data)).findings, []);

  const admissions = journal.filter(({ type }) => type === "admitted").length;
  t.diagnostic(`${journal.length} events, ${admissions} admissions, starts took ${startsTook()}`);
  assert.ok(admissions > kills, `there was a load: ${admissions} admissions`);
  const spent = limited.filter(({ id }) => spentOf(journal, id) === entriesAllowed).length;
  assert.ok(spent > 0, "limits were reached");
});

function answers(): number {
  return boxes.reduce((sum, box) => sum + box.answers, 0);
}

function startsTook(): string {
  const sorted = startsMs.toSorted((a, b) => a - b);
  const [p50, p95, p100] = [0.5, 0.95, 1].map((part) => sorted[Math.ceil(part * sorted.length) - 1]);
  return `${p50} ms (p50), ${p95} ms (p95), ${p100} ms (longest of ${sorted.length})`;
}

interface Ready {
  readonly url: string;
  readonly line: BoxLine;
}

async function start(): Promise<Ready> {
  const startedAt = performance.now();
  try {
    const { url, brokerPort, caFile } = await gateway.start(readyDeadlineMs);
    startsMs.push(Math.round(performance.now() - startedAt));
    return { url: String(url), line: { port: Number(brokerPort), ca: await readFile(String(caFile), "utf8") } };
  } catch (cause) {
    const took = Math.round(performance.now() - startedAt);
    const log = (await readFile(join(site.folder, "gateway.log"), "utf8")).split("\n").slice(-15).join("\n");
    throw new Error(`seed ${seed}: the gateway did not come back by itself in ${took} ms:\n${log}`, { cause });
  }
}

/** People press keys and move the door until the line breaks. */
async function use(box: InsistentBox, line: BoxLine, grants: readonly MadeGrant[]): Promise<void> {
  const { model } = box;
  // A press in doubt may be answered now, so what is pressed next is the same PIN: a release is of that grant either way.
  const grant = (box.hasPressInDoubt && lastPressed.get(box)) || random.pick(grants);
  lastPressed.set(box, grant);
  box.presser = grant.id;
  if (!(await box.connect(line))) return;
  do {
    await pause(random.int(pressEveryMs));
    if (random.chance(0.3)) model.pryOpen();
    else if (random.chance(0.5)) model.mend();
    else if (model.pushDoor()) model.closeDoor();
  } while (await box.press(grant.pin));
}

/** The files as the killed process left them. */
async function journalOnDisk(): Promise<EntryEvent[]> {
  const events: EntryEvent[] = [];
  for await (const { record } of showJournal(nodeDisk, data)) if (record.kind === "event") events.push(record.event);
  return events;
}

function check(journal: readonly EntryEvent[], limited: readonly MadeGrant[], when: string): void {
  const where = `seed ${seed}, ${when}, starts took ${startsMs.join(", ")} ms`;
  assert.deepEqual(
    journal.map(({ seq }) => seq),
    journal.map((_, i) => i + 1),
    `${where}: the journal's numbers are dense`,
  );
  const origins = journal.flatMap(({ origin }) => (origin ? [`${origin.device} ${origin.boot} ${origin.seq}`] : []));
  assert.equal(new Set(origins).size, origins.length, `${where}: a device's report counts once`);

  for (const box of boxes) {
    const heard = new Map(
      journal.flatMap((event) => (event.origin?.device === box.id ? [[event.origin.seq, event] as const] : [])),
    );
    for (const [seq, news] of box.acknowledgedNews) {
      const { type, active, state } = (heard.get(seq) ?? {}) as Record<string, unknown>;
      const found = type === "tamper" ? { type, active } : { type, state };
      assert.deepEqual(found, news, `${where}: ${box.id}'s report ${seq} was acknowledged`);
    }
    for (const [grant, count] of box.releases) {
      const admitted = admittedBy(journal, grant, box.id);
      assert.ok(
        admitted >= count,
        `${where}: ${box.id} was released ${count} times for ${grant}, admitted ${admitted}`,
      );
    }
  }
  for (const { id } of limited) {
    const released = boxes.reduce((sum, box) => sum + (box.releases.get(id) ?? 0), 0);
    assert.ok(released <= entriesAllowed, `${where}: ${id} released ${released} strikes`);
    const spent = spentOf(journal, id);
    assert.ok(spent <= entriesAllowed, `${where}: ${id} was admitted ${spent} times`);
  }
}

/** Admissions whose right was not given back, because the strike may have moved. */
function spentOf(journal: readonly EntryEvent[], grant: string): number {
  return admittedBy(journal, grant) - journal.filter((event) => event.type === "void" && event.grant === grant).length;
}

function admittedBy(journal: readonly EntryEvent[], grant: string, accessPoint?: string): number {
  return journal.filter(
    (event) =>
      event.type === "admitted" &&
      event.grant === grant &&
      (accessPoint === undefined || event.accessPoint === accessPoint),
  ).length;
}

/** undefined: it was asked too often. */
async function statusOf(url: string) {
  const answer = await fetch(`${url}/api/status`, { signal: AbortSignal.timeout(60_000) });
  if (!answer.ok) return undefined;
  return (await answer.json()) as { sync: { queue: number; cursor: { version: number } } };
}
