/** What a command says last when it cannot do its work: what is in the way, and advice that helps against that. */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createAdaptorServer } from "@hono/node-server";
import { saveGatewayKeys } from "../../gateway/storage/gateway-keys.ts";
import { nodeDisk } from "../../gateway/storage/node-disk.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { givenCloud, type TestCloud } from "../support/cloud.ts";
import { postern } from "./run-postern.ts";

let folder: string;
let cloud: TestCloud;
const servers: Server[] = [];
let cloudUrl: string;
/** Answers as a gateway does to what only a cloud has. */
let elsewhereUrl: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "postern-advice-"));
  cloud = await givenCloud();
  cloudUrl = await listening(createAdaptorServer({ fetch: cloud.app.fetch }) as Server);
  elsewhereUrl = await listening(
    createServer((_, response) => {
      response.writeHead(404, { "content-type": "application/problem+json" });
      response.end(JSON.stringify({ code: "not-found", detail: "There is no such path; see /docs." }));
    }),
  );
});
after(async () => {
  for (const server of servers) server.close();
  await cloud.close();
  await rm(folder, { recursive: true });
});

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  servers.push(server);
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
}

async function configured(name: string, url = "http://127.0.0.1:1"): Promise<{ file: string; data: string }> {
  const file = join(folder, `${name}.yaml`);
  await writeFile(
    file,
    `data: ./${name}\ncloud: { url: "${url}" }\nhttp: { port: 0 }\nbroker: { port: 0, hostnames: [localhost] }\n`,
  );
  return { file, data: join(folder, name) };
}

async function enrolled(name: string): Promise<{ file: string; data: string }> {
  const site = await configured(name);
  const { privateKey } = generateKeyPairSync("ed25519");
  await saveGatewayKeys(nodeDisk, site.data, {
    site: "home",
    gateway: "home.gw-1",
    name: "Gate",
    epoch: 1,
    siteKey: new SecretString("k".repeat(43)),
    privateKey: new SecretString(privateKey.export({ format: "pem", type: "pkcs8" }).toString()),
  });
  return site;
}

async function fails(words: readonly string[], told: RegExp, env: Record<string, string> = {}): Promise<void> {
  const { code, err } = await postern(words, { env });
  assert.equal(code, 1, err);
  assert.match(err, told);
  assert.doesNotMatch(err, /Fix what is named|Decisions go on|see its log|^ {4}at /m);
}

test("a gateway that is not enrolled is told how to be", async () => {
  const { file } = await configured("fresh");
  await fails(["gateway", "--config", file], /is not enrolled: .*\nMake a code in the cloud .*`postern enrol/);
});

test("a second enrolment is told what stands in the way", async () => {
  const { file } = await enrolled("twice");
  await fails(["enrol", "--config", file], /is enrolled already; take another folder.*\nA data folder belongs to one/, {
    POSTERN_ENROLMENT_CODE: "home.AAAA-AAAA-AAAA",
  });
});

test("an enrolment learns apart that the code is none, nobody answers, or somebody else", async () => {
  const code = { POSTERN_ENROLMENT_CODE: "home.AAAA-AAAA-AAAA" };
  const cases: [url: string, told: RegExp][] = [
    [cloudUrl, /refused the enrolment code \(403\)\nA code is good once/],
    ["http://127.0.0.1:1", /could not be reached.*\nSee whether cloud\.url is right/],
    [elsewhereUrl, /is no cloud-sync\nSet cloud\.url to where/],
  ];
  for (const [index, [url, told]] of cases.entries()) {
    const { file } = await configured(`code-${index}`, url);
    await fails(["enrol", "--config", file], told, code);
  }
});

test("keys.json cut short, and an authority without its key, are told how to come back", async () => {
  const { file, data } = await enrolled("spoiled");
  await mkdir(join(data, "ca"));
  await writeFile(join(data, "ca", "ca.crt"), "");
  await fails(["gateway", "--config", file], /ca\.key is missing.*put it back from a backup.*\nThe devices trust one/);
  const keys = join(data, "keys.json");
  await writeFile(keys, (await readFile(keys)).subarray(0, 200));
  await fails(["gateway", "--config", file], /keys\.json is damaged.*\nMove keys\.json, .*`postern gateway restore`/);
});

test("an administrator learns apart that the line is refused and that somebody else answers", async () => {
  const env = { POSTERN_ADMIN_TOKEN: "a".repeat(32) };
  await fails(
    ["cloud", "verify", "--url", "http://127.0.0.1:1"],
    /could not be reached(?!.* within).*is --url right/,
    env,
  );
  for (const words of [["verify"], ["backup", join(folder, "none.gz")]])
    await fails(["cloud", ...words, "--url", elsewhereUrl], /what answers at .* is no cloud-sync: it has no/, env);
});

test("a configuration that is not there does not exist", async () => {
  for (const words of [["gateway", "--config"], ["cloud-sync", "--config"], ["check-config"]])
    await fails([...words, join(folder, "no.yaml")], /no\.yaml: the configuration does not exist/);
});
