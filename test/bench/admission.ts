/**
 * A durable admission through the whole flow, from the presented credential to the release, on the real disk; beside node:sqlite
 * (WAL, FULL) doing select, check, increment and log in one transaction each, which blocks its thread.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { DatabaseSync } from "node:sqlite";
import { presentCredential } from "../../gateway/flows/present-credential.ts";
import { aBenchSite, type BenchSite } from "./bench-site.ts";
import { bytesEach } from "./disk-bytes.ts";
import { type Benchmark, median, type Row, row, rowBeside } from "./row.ts";

const rounds = 3;
const seconds = 2;

export const benchmark: Benchmark = {
  name: "admission",
  async run() {
    const folder = await mkdtemp(join(tmpdir(), "postern-bench-"));
    try {
      const site = await aBenchSite(join(folder, "site"), 10_000);
      const sqlite = openSqlite(join(folder, "peer.db"), 10_000);
      const rows: Row[] = [];
      rows.push(await sideBySide(site, sqlite, 1, "≥ 0.9 × the same SQLite, which blocks its thread", 0.9));
      rows.push(await sideBySide(site, sqlite, 64, "≥ 8 × SQLite, one a transaction", 8));
      rows.push(await longestStall(site));
      rows.push(await bytesWritten(site, folder, "alone", 1, 5_000));
      rows.push(await bytesWritten(site, folder, "in groups of 8", 8, 1_500));
      await site.stop();
      sqlite.close();
      return rows;
    } finally {
      await rm(folder, { recursive: true });
    }
  },
};

/** Rounds alternate, so that a noisy minute hits both. */
async function sideBySide(site: BenchSite, sqlite: Sqlite, callers: number, goal: string, times: number): Promise<Row> {
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    ours.push(await admissionsPerSecond(site, callers));
    theirs.push(sqlite.admissionsPerSecond());
  }
  return rowBeside(
    `durable admission, ${callers === 1 ? "one at a time" : `${callers} at once`}`,
    median(ours),
    "/s",
    "node:sqlite WAL FULL",
    median(theirs),
    goal,
    (ratio) => ratio >= times,
  );
}

async function admissionsPerSecond(site: BenchSite, callers: number, forSeconds = seconds): Promise<number> {
  const endsAt = performance.now() + forSeconds * 1000;
  let admitted = 0;
  await Promise.all(
    Array.from({ length: callers }, async (_, caller) => {
      for (let turn = caller; performance.now() < endsAt; turn += callers) {
        const outcome = await presentCredential(site.parts, site.request(turn, caller), undefined);
        if (outcome?.outcome !== "released") throw new Error(`not admitted: ${JSON.stringify(outcome)}`);
        admitted += 1;
      }
    }),
  );
  return admitted / forSeconds;
}

async function longestStall(site: BenchSite): Promise<Row> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await admissionsPerSecond(site, 1);
  delay.disable();
  const p99 = delay.percentile(99) / 1e6;
  return row("event loop delay during admissions one at a time, p99", p99, "ms", "never blocked (≤ 5 ms)", p99 <= 5);
}

async function bytesWritten(site: BenchSite, folder: string, how: string, callers: number, most: number): Promise<Row> {
  const bytes = await bytesEach(folder, async () => {
    const admitted = (await admissionsPerSecond(site, callers, 0.4)) * 0.4;
    await site.parts.journal.flushed();
    return admitted;
  });
  return row(`bytes written per admission, ${how}`, bytes, "B", `≤ ${most.toLocaleString("en")} B`, bytes <= most);
}

interface Sqlite {
  admissionsPerSecond(): number;
  close(): void;
}

function openSqlite(path: string, grants: number): Sqlite {
  const db = new DatabaseSync(path);
  db.exec("pragma journal_mode = wal; pragma synchronous = full");
  db.exec("create table grants (idx text primary key, allowed integer, used integer) without rowid");
  db.exec("create table log (seq integer primary key, idx text, at integer, body text)");
  const insert = db.prepare("insert into grants values (?, ?, 0)");
  db.exec("begin");
  for (let number = 0; number < grants; number += 1) insert.run(`grant-${number}`.padEnd(43, "_"), 1_000_000);
  db.exec("commit");
  const select = db.prepare("select allowed, used from grants where idx = ?");
  const update = db.prepare("update grants set used = used + 1 where idx = ?");
  const log = db.prepare("insert into log (idx, at, body) values (?, ?, ?)");
  const body = JSON.stringify({
    type: "admitted",
    accessPoint: "door-0",
    grant: "grant-000",
    credential: "credential-000",
    via: "pin",
  });
  return {
    admissionsPerSecond() {
      const endsAt = performance.now() + seconds * 1000;
      let admitted = 0;
      for (; performance.now() < endsAt; admitted += 1) {
        const index = `grant-${admitted % grants}`.padEnd(43, "_");
        db.exec("begin immediate");
        const found = select.get(index) as { allowed: number; used: number };
        if (found.used >= found.allowed) throw new Error("the peer ran out of entries");
        update.run(index);
        log.run(index, Date.now(), body);
        db.exec("commit");
      }
      return admitted / seconds;
    },
    close: () => db.close(),
  };
}
