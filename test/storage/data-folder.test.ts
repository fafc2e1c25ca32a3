import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { GatewayError } from "../../gateway/errors.ts";
import { lockDataFolder, type ProcessName, type ProcessTable } from "../../gateway/storage/data-folder.ts";
import {
  type GatewayKeys,
  loadGatewayKeys,
  parseGatewayKeys,
  saveGatewayKeys,
} from "../../gateway/storage/gateway-keys.ts";
import { nodeDisk } from "../../gateway/storage/node-disk.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { SimDisk } from "../support/sim-disk.ts";
import { aDenial, aStore } from "../support/site-store.ts";

let home: string;
before(async () => {
  home = await mkdtemp(join(tmpdir(), "postern-folder-"));
});
after(() => rm(home, { recursive: true }));

function processAs(pid: number, running: readonly ProcessName[] = []): ProcessTable {
  return {
    self: { pid, bootId: "b", began: "1" },
    isRunning: ({ pid: id, bootId, began }) =>
      running.some((one) => one.pid === id && one.bootId === bootId && one.began === began),
  };
}

describe("one process owns a data folder", () => {
  test("another real process on it is named", async () => {
    const folder = join(home, "owned");
    const writer = join(import.meta.dirname, "../support/journal-writer.ts");
    const child = spawn(process.execPath, ["--import", "tsx", writer, folder], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      await once(child.stdout, "data");
      await assert.rejects(aStore(nodeDisk, folder, { processes: undefined }), {
        code: "data-locked",
        message: `process ${child.pid} runs on the data folder ${folder}: stop it, or choose another folder`,
      });
    } finally {
      child.kill("SIGKILL");
      await once(child, "close");
    }
    await (await aStore(nodeDisk, folder, { processes: undefined })).close();
  });

  test("a lock of a dead process, another boot or another process of the same id is taken over; one given back is free", async () => {
    const disk = new SimDisk().mount();
    const running = { pid: 7, bootId: "b", began: "1" };
    const first = await lockDataFolder(disk, "/data", processAs(7));
    await assert.rejects(lockDataFolder(disk, "/data", processAs(8, [running])), { code: "data-locked" });
    await first.release();
    await lockDataFolder(disk, "/data", processAs(9, [running]));
    await lockDataFolder(disk, "/data", processAs(9, [{ pid: 9, bootId: "b", began: "2" }]));
    await lockDataFolder(disk, "/data", processAs(10, [{ pid: 9, bootId: "c", began: "1" }]));
  });

  test("of several who find a stale lock at the same moment, one gets it", async () => {
    for (const disk of [new SimDisk().mount(), nodeDisk]) {
      const folder = join(home, "stale");
      await lockDataFolder(disk, folder, processAs(1));
      const contenders = [11, 12, 13, 14, 15];
      const running = contenders.map((pid) => ({ pid, bootId: "b", began: "1" }));
      const outcomes = await Promise.allSettled(
        contenders.map((pid) => lockDataFolder(disk, folder, processAs(pid, running))),
      );
      assert.deepEqual(outcomes.map(({ status }) => status).sort(), [
        "fulfilled",
        "rejected",
        "rejected",
        "rejected",
        "rejected",
      ]);
    }
  });
});

test("everything in a data folder is for its owner alone", async () => {
  const folder = join(home, "private");
  const store = await aStore(nodeDisk, folder);
  await store.journal.recordEvent(aDenial).durable;
  await store.cache.snapshot();
  await saveGatewayKeys(nodeDisk, folder, someKeys);
  assert.equal((await stat(folder)).mode & 0o777, 0o700);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const { mode } = await stat(join(entry.parentPath, entry.name));
    assert.equal(mode & 0o777, entry.isDirectory() ? 0o700 : 0o600, entry.name);
  }
  await store.close();
});

function pemOf(kind: "ed25519" | "x25519"): string {
  return generateKeyPairSync(kind as "ed25519")
    .privateKey.export({ format: "pem", type: "pkcs8" })
    .toString();
}

const someKeys = {
  site: "s1",
  gateway: "g1",
  name: "Gate house",
  epoch: 2,
  siteKey: new SecretString("k".repeat(43)),
  privateKey: new SecretString(pemOf("ed25519")),
};

describe("the gateway's keys", () => {
  test("are absent before enrolment and come back as saved", async () => {
    const folder = join(home, "keys");
    assert.equal(await loadGatewayKeys(nodeDisk, folder), undefined);
    await saveGatewayKeys(nodeDisk, folder, someKeys);
    const loaded = (await loadGatewayKeys(nodeDisk, folder))!;
    assert.deepEqual(
      { ...loaded, siteKey: loaded.siteKey.reveal(), privateKey: loaded.privateKey.reveal() },
      {
        ...someKeys,
        siteKey: someKeys.siteKey.reveal(),
        privateKey: someKeys.privateKey.reveal(),
      },
    );
  });

  test("are refused when others may read them, and when they are damaged, without quoting them", async () => {
    const folder = join(home, "open-keys");
    await saveGatewayKeys(nodeDisk, folder, someKeys);
    await writeFile(join(folder, "keys.json"), '{"site":"secret-part"');
    await assert.rejects(loadGatewayKeys(nodeDisk, folder), (error: Error) => {
      assert.match(error.message, /keys\.json is damaged/);
      return !error.message.includes("secret-part");
    });
    await rm(join(folder, "keys.json"));
    await writeFile(join(folder, "keys.json"), "{}", { mode: 0o640 });
    await assert.rejects(loadGatewayKeys(nodeDisk, folder), {
      code: "keys-exposed",
      message: /permissions 640.*chmod 600/,
    });
  });
});

describe("keys.json that was altered", () => {
  const damaged = (part: RegExp) => (error: Error) => {
    assert.ok(error instanceof GatewayError && error.code === "keys-damaged");
    assert.match(error.message, part);
    assert.doesNotMatch(error.message, /kkkk|BEGIN|Gate house/);
    assert.equal(error.cause, undefined);
    return true;
  };
  let text: string;
  before(async () => {
    const folder = join(home, "altered-keys");
    await saveGatewayKeys(nodeDisk, folder, someKeys);
    text = await readFile(join(folder, "keys.json"), "utf8");
  });
  const revealed = ({ siteKey, privateKey, ...keys }: GatewayKeys) => ({
    ...keys,
    siteKey: siteKey.reveal(),
    privateKey: privateKey.reveal(),
  });

  test("is refused whichever bit is another, or says the same", () => {
    const bytes = Buffer.from(text);
    let harmless = 0;
    for (let bit = 0; bit < bytes.length * 8; bit += 3) {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      try {
        assert.deepEqual(revealed(parseGatewayKeys(flipped.toString(), "keys.json")), revealed(someKeys));
        harmless += 1;
      } catch (error) {
        damaged(/^keys\.json is damaged/)(error as Error);
      }
    }
    assert.ok(harmless < 20, `${harmless}: blanks between the members`);
  });

  test("is refused for one character of the site key, by which no PIN would be known any more", () => {
    const altered = text.replace("kkk", "kkq");
    assert.throws(() => parseGatewayKeys(altered, "keys.json"), damaged(/checksum does not fit/));
  });

  test("is refused also without a checksum where a key is none: cut short, or another kind", () => {
    const { checksum, ...members } = JSON.parse(text);
    const cases = { siteKey: "k".repeat(42), privateKey: someKeys.privateKey.reveal().replace("MC4", "MC5") };
    for (const [name, value] of Object.entries({ ...cases, "privateKey ": pemOf("x25519") }))
      assert.throws(
        () => parseGatewayKeys(JSON.stringify({ ...members, [name.trim()]: value }), "keys.json"),
        damaged(new RegExp(`\\(${name.trim()}\\)`)),
      );
  });

  test("and a file from before there was a checksum is taken, and has one once it is saved", async () => {
    const { checksum, ...members } = JSON.parse(text);
    const folder = join(home, "old-keys");
    await saveGatewayKeys(nodeDisk, folder, parseGatewayKeys(JSON.stringify(members), "keys.json"));
    assert.equal(await readFile(join(folder, "keys.json"), "utf8"), text);
  });
});

test("without a byte left the folder is still taken: the ballast makes room for the lock", async () => {
  const sim = new SimDisk();
  const store = await aStore(sim.mount(), "/data");
  sim.kill();
  assert.equal(store.journal.state, "open");
  sim.capacity = sim.used;

  const again = await aStore(sim.mount(), "/data");
  assert.ok(["open", "full"].includes(again.journal.state));
});
