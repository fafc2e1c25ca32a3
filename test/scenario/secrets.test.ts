/**
 * The canary: known secrets are planted all over a site, everything is used and misused, with every log line on. Afterwards none of
 * them may stand in a log, on a topic, in a payload towards devices, in an answer, in an event, in a file or in the process list.
 */
import assert from "node:assert/strict";
import { createPrivateKey } from "node:crypto";
import { globSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { after, before, test } from "node:test";
import mqtt from "mqtt";
import { pinoLogger } from "../../gateway/pino-logger.ts";
import { gatewayProcess } from "../support/gateway-process.ts";
import { until } from "../support/until.ts";
import { adminToken, boxKey, password, WholeSite } from "../support/whole-site.ts";

const pin = "7391648251";
const wrongPin = "918273645391482";
const passUid = "PASS-7Q2W-UID-9XKM3";
const linkToken = "link-token-R7wq2Zp0vK4mT9yB3s";

/** Where a secret may lie, by the end of the path; each is for its owner alone. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  "gateway/keys.json": ["site key", "gateway private key"],
  "secrets.yaml": ["device password", "device key"],
};

let site: WholeSite;
const seen: { readonly where: string; readonly text: string }[] = [];
const note = (where: string, text: string) => void seen.push({ where, text });

before(async () => {
  site = await WholeSite.start({
    boxes: ["box-1", "box-2"],
    logger: pinoLogger("debug", { write: (line) => note("log", line) }),
  });
});
after(() => site.stop());

test("no secret leaves its place, whatever is done to the site", async () => {
  const grant = await makeGrant();
  await site.arrives(grant.version);
  const spy = await aDeviceThatListens();

  // People at the doors.
  assert.equal(await site.box("box-1").enterPin(pin), "granted");
  await site.box("box-1").becomes("secured");
  assert.equal(await site.box("box-1").enterPin(wrongPin), "denied");
  const stamp = (seq: number) => `"boot":2,"seq":${seq},"up":${seq * 10}`;
  await spy.publishAsync("postern/box-2/presence", '{"online":true,"boot":2,"up":1}', { qos: 1 });
  await spy.publishAsync("postern/box-2/attempt", `{${stamp(2)},"kind":"pass","value":"${passUid}"}`, { qos: 1 });
  await spy.publishAsync("postern/box-2/attempt", `{${stamp(3)},"kind":"pin","value":"${wrongPin}"}`, { qos: 1 });
  // Devices that misbehave.
  await spy.publishAsync("postern/box-2/attempt", `{${stamp(4)},"kind":"pin","value":"${pin}"`, { qos: 1 });
  await spy.publishAsync("postern/box-2/attempt", `{${stamp(5)},"kind":"pin","value":${pin}}`, { qos: 1 });
  await spy.publishAsync("postern/box-2/attempt", `{${stamp(6)},"kind":"pin","${pin}":"${pin}"}`, { qos: 1 });
  await spy.publishAsync(`postern/box-1/${pin}`, pin, { qos: 1 });
  await refusedLogin("box-2", `${password}x`);
  await refusedLogin(`box-2-${linkToken}`.slice(0, 20), password);
  await until("the presses are decided", async () => {
    const events = await site.journalEvents();
    return events.filter((event) => "accessPoint" in event && event.accessPoint === "box-2").length >= 3;
  });

  // Administrators and strangers at the two services.
  const grants = "/api/sites/demo/grants";
  const body = (credential: object, more: object = {}) => ({ ...wish(), credentials: [credential], ...more });
  await cloud("POST", grants, body({ kind: "pin", value: pin }), 409);
  await cloud("POST", grants, body({ kind: "pin", value: `${pin}x` }), 400);
  await cloud("POST", grants, body({ kind: "pin", value: Number(pin) }), 400);
  await cloud("POST", grants, body({ kind: "pin", value: pin, length: 6 }), 400);
  await cloud("POST", grants, body({ kind: "link", value: linkToken }), 409);
  await cloud("POST", grants, body({ kind: linkToken }), 400);
  await cloud("POST", grants, `{"credentials":[{"kind":"pin","value":"${pin}"`, 400);
  await cloud("POST", grants, { pin }, 400);
  for (const value of ["another-pass", pin])
    await cloud("POST", grants, body({ kind: "pass", value }), undefined, { "idempotency-key": "one-and-the-same" });
  for (const path of [grants, `${grants}/${grant.id}`, "/api/sites/demo/events", "/api/sites/demo/gateways"])
    await cloud("GET", path, undefined, 200);
  for (const path of ["/metrics", "/docs", "/openapi.json", "/healthz"]) await cloud("GET", path, undefined, 200);
  await cloud("GET", `/p/${linkToken}?token=${adminToken}`, undefined, 404);
  await cloud("GET", grants, undefined, 401, { authorization: `Bearer ${adminToken}x` });
  await cloud("POST", "/v1/enrol", { code: site.enrolmentCode, publicKey: "A".repeat(43), version: "1" });
  await cloud("POST", "/v1/enrol", { code: site.enrolmentCode, pin }, 400);
  const gateway = site.gateway.http.url;
  for (const path of ["/", "/status", "/api/status", "/api/events", "/metrics", "/docs", "/openapi.json", "/readyz"])
    await ask(`${gateway}${path}`);
  await ask(`${gateway}/open/${linkToken}?pin=${pin}`);
  await ask(`${gateway}/api/events?limit=${pin}`);
  await ask(`${gateway}/api/status`, { headers: { authorization: `Bearer ${adminToken}` } });

  // The site at large.
  await cloud("POST", "/api/sites/demo/access-points/box-1/unlock", undefined, 202);
  await site.box("box-1").becomes("released");
  await site.setInternet(false);
  assert.equal(await site.box("box-1").enterPin(pin), "granted");
  await site.setInternet(true);
  await cloud("POST", `${grants}/${grant.id}/revoke`, undefined, 200);
  await until("the revocation is at the gateway", () => site.gateway.site.parts.records.isRevoked(grant.id));
  assert.equal(await site.box("box-1").enterPin(pin), "denied");
  await until("the cloud has every event", () => site.gateway.site.sync.queue === 0);
  for (const event of [...(await site.journalEvents()), ...(await site.cloudEvents())])
    note("event", JSON.stringify(event));
  await spy.endAsync(true);
  await asProcess();
  await site.stopCloud();

  assert.deepEqual(findings(), []);
  assert.ok(seen.filter(({ where }) => where === "log").length > 20, "there are logs");
  assert.ok(
    seen.some(({ where }) => where === "to a device"),
    "a device heard something",
  );
});

/** The creation is the one answer that tells the values. */
async function makeGrant(): Promise<{ id: string; version: number }> {
  return site.admin("POST", "/api/sites/demo/grants", {
    ...wish(),
    credentials: [
      { kind: "pin", value: pin },
      { kind: "pass", value: passUid },
      { kind: "link", value: linkToken },
    ],
  });
}

function wish() {
  const now = Date.now();
  return {
    kind: "temporary",
    holder: { name: "Pat Holder" },
    accessPoints: ["box-1", "box-2"],
    entriesAllowed: null,
    from: new Date(now - 60_000).toISOString(),
    until: new Date(now + 3_600_000).toISOString(),
  };
}

function connect(clientId: string, secret: string): mqtt.MqttClient {
  const { port } = site.gateway.broker;
  return mqtt.connect({
    protocol: "mqtts",
    host: "127.0.0.1",
    port,
    ca: site.gateway.caCertificate,
    servername: "localhost",
    clientId,
    username: clientId,
    password: secret,
    protocolVersion: 4,
    reconnectPeriod: 0,
  });
}

/** In the place of box-2: asks for every topic there is and notes what it is given. */
async function aDeviceThatListens(): Promise<mqtt.MqttClient> {
  await site.box("box-2").link.stop();
  const client = connect("box-2", password);
  client.on("message", (topic, payload) => note("to a device", `${topic} ${payload}`));
  client.on("error", () => undefined);
  for (const filter of ["postern/box-2/command", "#", "postern/+/attempt", "$SYS/#"])
    await client.subscribeAsync(filter, { qos: 1 }).catch(() => undefined);
  return client;
}

async function refusedLogin(clientId: string, secret: string): Promise<void> {
  const client = connect(clientId, secret);
  const message = await new Promise<string>((resolve) => client.once("error", (error) => resolve(error.message)));
  note("to a device", message);
  client.end(true);
}

async function ask(url: string, init: RequestInit = {}): Promise<number> {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(60_000) });
  const headers = [...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
  note(`answer to ${init.method ?? "GET"} ${new URL(url).pathname}`, `${headers}\n\n${await response.text()}`);
  return response.status;
}

async function cloud(
  method: string,
  path: string,
  body?: object | string,
  expected?: number,
  headers: Record<string, string> = {},
): Promise<void> {
  const status = await ask(site.cloudUrl + path, {
    method,
    headers: {
      authorization: `Bearer ${adminToken}`,
      ...(body !== undefined && { "content-type": "application/json" }),
      ...headers,
    },
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  if (expected !== undefined) assert.equal(status, expected, `${method} ${path}`);
}

/** The same data under the real program: its arguments and its log. */
async function asProcess(): Promise<void> {
  for (const box of site.boxes.values()) await box.stop();
  await site.gateway.stop();
  const { folder, cloudUrl } = site;
  const boxes = [...site.boxes.keys()];
  const gateway = gatewayProcess({ folder, cloudUrl, boxes, password, key: boxKey, holdMs: 500, logLevel: "debug" });
  try {
    const { url } = await gateway.start(30_000);
    await ask(`${url}/api/events`);
    note("process list", readFileSync(`/proc/${gateway.pid}/cmdline`, "latin1"));
    process.kill(gateway.pid!, "SIGHUP");
    await until("it has reloaded", () => readFileSync(join(folder, "gateway.log"), "utf8").includes("reloaded"));
  } finally {
    await gateway.stop();
  }
}

/** Each secret in the spellings it could have got out in. */
function needles(): [name: string, spellings: Buffer[]][] {
  const keys = JSON.parse(readFileSync(join(site.folder, "gateway/keys.json"), "utf8"));
  const seed = createPrivateKey(keys.privateKey).export({ format: "der", type: "pkcs8" }).subarray(-32);
  const text = (value: string) => spellings(Buffer.from(value));
  return [
    ["PIN", text(pin)],
    ["wrong PIN", text(wrongPin)],
    ["pass uid", text(passUid)],
    ["link token", text(linkToken)],
    ["admin token", text(adminToken)],
    ["enrolment code", text(site.enrolmentCode)],
    ["device password", text(password)],
    ["device key", spellings(boxKey)],
    ["site key", spellings(Buffer.from(keys.siteKey, "base64url"))],
    ["gateway private key", [...spellings(seed), Buffer.from(keys.privateKey.split("\n")[1])]],
  ];
}

function spellings(value: Buffer): Buffer[] {
  const encodings = ["base64", "base64url", "hex"] as const;
  return [value, ...encodings.map((encoding) => Buffer.from(value.toString(encoding).replace(/=+$/, "")))];
}

function findings(): string[] {
  const files = globSync("**/*", { cwd: site.folder }).map((name) => join(site.folder, name));
  const places = [
    ...seen.map(({ where, text }) => ({ where, bytes: Buffer.from(text) })),
    ...files
      .filter((path) => statSync(path).isFile())
      .map((path) => ({ where: relative(site.folder, path), bytes: readFileSync(path) })),
  ];
  return needles().flatMap(([name, texts]) =>
    places.flatMap(({ where, bytes }) => {
      if (allowed[where]?.includes(name)) return [];
      const found = texts.find((text) => bytes.includes(text));
      return found ? [`${name} in ${where}: ${around(bytes, bytes.indexOf(found))}`] : [];
    }),
  );
}

function around(bytes: Buffer, at: number): string {
  return bytes.toString("latin1", Math.max(0, at - 60), at + 60);
}
