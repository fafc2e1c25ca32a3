import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { silentLogger } from "../../gateway/ports/logger.ts";
import { nodeDisk } from "../../gateway/storage/node-disk.ts";
import { SealedVault } from "../../gateway/storage/sealed-vault.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { Random } from "../support/random.ts";
import { SimDisk } from "../support/sim-disk.ts";

const keyOf = () =>
  new SecretString(generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }) as string);

async function givenFolder(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), "vault-"));
  t.after(() => rm(folder, { recursive: true }));
  const privateKey = keyOf();
  const open = (key = privateKey) =>
    new SealedVault({ disk: nodeDisk, folder, keys: { gateway: "demo.g1", privateKey: key }, logger: silentLogger });
  return { folder, open };
}

test("what is saved is there after a restart, in clear nowhere, and for nobody else to read", async (t) => {
  const { folder, open } = await givenFolder(t);
  assert.equal(await open().load("ring-1"), undefined);
  await open().save("ring-1", new SecretString("the first"));
  await open().save("ring-1", new SecretString("the second"));
  assert.equal((await open().load("ring-1"))?.reveal(), "the second");
  assert.deepEqual(await readdir(join(folder, "vault")), ["ring-1.sealed"]);
  const file = join(folder, "vault", "ring-1.sealed");
  assert.ok(!(await readFile(file, "latin1")).includes("second"));
  assert.equal((await stat(file)).mode & 0o077, 0);
});

test("another gateway's key, another name and a spoilt file open nothing", async (t) => {
  const { folder, open } = await givenFolder(t);
  await open().save("ring-1", new SecretString("the first"));
  assert.equal(await open(keyOf()).load("ring-1"), undefined);
  const file = join(folder, "vault", "ring-1.sealed");
  await writeFile(join(folder, "vault", "ring-2.sealed"), await readFile(file));
  assert.equal(await open().load("ring-2"), undefined);
  await writeFile(file, "not sealed at all");
  assert.equal(await open().load("ring-1"), undefined);
});

test("saves that are begun together end with the last", async (t) => {
  const { open } = await givenFolder(t);
  const vault = open();
  await Promise.all(["a", "b", "c"].map((text) => vault.save("ring-1", new SecretString(text))));
  assert.equal((await vault.load("ring-1"))?.reveal(), "c");
});

test("no name leads out of its folder", async (t) => {
  const vault = (await givenFolder(t)).open();
  for (const name of ["../keys", "a/b", "", "A", "-a"])
    await assert.rejects(async () => vault.load(name), /no name in a vault/);
});

test("a power cut at any operation of a save leaves the one before or the new one; after it, the new one", async () => {
  const keys = { gateway: "demo.g1", privateKey: keyOf() };
  const open = (disk: SimDisk) => new SealedVault({ disk: disk.mount(), folder: "/data", keys, logger: silentLogger });
  for (let cutAt = 1; ; cutAt += 1) {
    const disk = new SimDisk();
    await disk.mount().makeFolder("/data");
    await open(disk).save("ring-1", new SecretString("the first"));
    const cut = Promise.withResolvers<"cut">();
    let operations = 0;
    disk.pause = async () => {
      operations += 1;
      if (operations === cutAt) cut.resolve("cut");
      if (operations >= cutAt) await new Promise(() => undefined);
    };
    const saved = open(disk)
      .save("ring-1", new SecretString("the second"))
      .then(() => "saved" as const);
    const how = await Promise.race([saved, cut.promise]);
    disk.pause = undefined;
    disk.crash(new Random(cutAt));
    const kept = (await open(disk).load("ring-1"))?.reveal() ?? "nothing";
    if (how === "saved") {
      assert.equal(kept, "the second");
      assert.ok(cutAt > 5, "there was something to cut");
      return;
    }
    assert.match(kept, /^the (first|second)$/, `cut at operation ${cutAt}`);
  }
});
