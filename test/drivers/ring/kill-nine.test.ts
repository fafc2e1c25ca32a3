/** The real gateway process with a lock at Ring, killed again and again: it never needs a person to sign in anew. */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { stringify } from "yaml";
import { ServiceProcess } from "../../../cli/service-process.ts";
import { saveGatewayKeys } from "../../../gateway/storage/gateway-keys.ts";
import { nodeDisk } from "../../../gateway/storage/node-disk.ts";
import { SecretString } from "../../../gateway/wire/secret.ts";
import { firstToken, givenRing, lockId } from "../../support/ring-site.ts";
import { until } from "../../support/until.ts";

const kills = 2;
const readyDeadlineMs = 60_000;

test(`${kills} kills of the gateway: each time the token that Ring handed out last is on the disk, and its child process goes with it`, async (t) => {
  const { server, folder } = await givenRing(t);
  const data = join(folder, "gateway");
  const { privateKey } = generateKeyPairSync("ed25519");
  await saveGatewayKeys(nodeDisk, data, {
    site: "demo",
    gateway: "demo.g1",
    name: "of a test",
    epoch: 1,
    siteKey: new SecretString(Buffer.alloc(32, 5).toString("base64url")),
    privateKey: new SecretString(privateKey.export({ type: "pkcs8", format: "pem" }) as string),
  });
  const [file, secretsFile, logFile] = ["gateway.yaml", "secrets.yaml", "gateway.log"].map((name) =>
    join(folder, name),
  );
  const gateway = new ServiceProcess("gateway", {
    logFile: logFile!,
    readyFile: join(folder, "ready.json"),
    env: {},
    config: async () => {
      await writeFile(secretsFile!, stringify({ devices: { front: { refreshToken: firstToken } } }), { mode: 0o600 });
      await writeFile(file!, stringify(configuration(data, secretsFile!)));
      return file!;
    },
  });
  t.after(() => gateway.kill());

  const tokens = new Set([firstToken]);
  for (let life = 1; life <= kills + 1; life += 1) {
    const { url } = await gateway.start(readyDeadlineMs);
    await until("the lock is online", async () => {
      const { devices } = (await (await fetch(`${url}/api/status`)).json()) as { devices: { link: string }[] };
      return devices[0]?.link === "online";
    });
    tokens.add(server.tokens.refreshToken ?? "");
    assert.equal(tokens.size, life + 1, "each life has a token of its own");
    const child = childOf(gateway.pid);
    assert.ok(child);
    await gateway.kill();
    await until("the child is gone as well", () => childOf(child.parent) === undefined);
  }

  const log = await readFile(logFile!, "utf8");
  assert.ok(!log.includes("ring-sign-in-again"));
  const kept = readdirSync(join(data, "vault")).map((name) => readFileSync(join(data, "vault", name), "latin1"));
  assert.equal(kept.length, 1);
  for (const token of tokens) assert.ok(!log.includes(token) && !kept.join().includes(token));
});

/** Its last argument is the id of the process that started it. */
function childOf(parent: number | undefined): { readonly parent: number } | undefined {
  const isIt = (pid: string) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").endsWith(`drivers/ring/child.ts\0${parent}\0`);
    } catch {
      return false;
    }
  };
  return parent !== undefined && readdirSync("/proc").some(isIt) ? { parent } : undefined;
}

function configuration(data: string, secretsFile: string): object {
  return {
    data,
    secretsFile,
    cloud: { url: "http://127.0.0.1:9" },
    http: { host: "127.0.0.1", port: 0 },
    broker: { host: "127.0.0.1", port: 0, hostnames: ["localhost"] },
    clock: { source: "system" },
    devices: [{ id: "front", driver: "ring", options: { kind: "lock", device: lockId } }],
    accessPoints: [{ id: "front", name: "Front door", lock: "front", readers: [], holdMs: 5_000 }],
    log: { level: "debug" },
  };
}
