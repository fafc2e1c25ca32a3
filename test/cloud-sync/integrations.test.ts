/** Makers' accounts that gateways use: given once, sealed to the gateway, nowhere to be read; and what became of credentials there. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { inspect } from "node:util";
import { gunzipSync } from "node:zlib";
import { sql } from "drizzle-orm";
import { credentialAtMaker } from "../../cloud-sync/domain/access-log.ts";
import type { EvidenceEvent } from "../../cloud-sync/domain/code-evidence.ts";
import { takeBackup } from "../../cloud-sync/store/backup.ts";
import { openStore } from "../../cloud-sync/store/open-store.ts";
import { rowsOf, type Store } from "../../cloud-sync/store/store.ts";
import { type LogFields, type Logger, silentLogger } from "../../gateway/ports/logger.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import { openAtGateway } from "../../gateway/wire/gateway-secret.ts";
import { givenCloud, HandClock, type TestCloud, type TestGateway } from "../support/cloud.ts";
import { missing } from "../support/needs.ts";
import { startPostgres } from "../support/postgres.ts";

const base = "/api/integrations/access";
const kisiKey = "5f2c7e-the-key-of-the-account";
const brivoSecrets = {
  apiKey: "brivo-api-key-4711",
  clientSecret: "qwerty98765-client",
  password: "pass-word of admin",
};

interface Given {
  readonly cloud: TestCloud;
  readonly clock: HandClock;
  readonly gateway: TestGateway;
  readonly logged: string[];
  /** Everything the service has answered. */
  readonly answers: string[];
  readonly ask: TestCloud["ask"];
}

/** Two doors of Kisi and one of Brivo at one gateway of the site "hub". */
async function given(t: TestContext, store?: Store): Promise<Given> {
  const clock = new HandClock();
  const logged: string[] = [];
  const cloud = await givenCloud({ clock, logger: recorder(logged), ...(store && { store }) });
  t.after(() => cloud.close());
  await cloud.ask("POST", "/api/sites", { id: "hub", name: "Hub", zone: "UTC" });
  const gateway = await cloud.gateway("hub");
  await reportDoors(gateway);
  const answers: string[] = [];
  const ask: TestCloud["ask"] = async (...request) => {
    const answer = await cloud.ask(...request);
    answers.push(answer.text);
    return answer;
  };
  return { cloud, clock, gateway, logged, answers, ask };
}

async function reportDoors(gateway: TestGateway, more: object = {}): Promise<void> {
  const reported = await gateway.report(
    [
      { id: "studio", lock: "kisi-1" },
      { id: "yard", lock: "kisi-2" },
      { id: "office", lock: "brivo-1" },
      { id: "shed", lock: "tuya-1" },
    ],
    [
      { id: "kisi-1", link: "online", driver: "kisi", ...more },
      { id: "kisi-2", link: "unknown", driver: "kisi", attention: 'its secret "apiKey" is missing' },
      { id: "brivo-1", link: "online", driver: "brivo" },
      { id: "tuya-1", link: "online", driver: "tuya" },
    ],
  );
  assert.equal(reported.status, 204, reported.text);
}

function recorder(lines: string[]): Logger {
  const write = (event: string, fields?: LogFields) => void lines.push(`${event} ${inspect(fields, { depth: 10 })}`);
  const logger: Logger = { debug: write, info: write, warn: write, error: write, child: () => logger };
  return logger;
}

/** What the gateway makes of its rows of the kind. */
async function opened(gateway: TestGateway, site = "hub"): Promise<Record<string, unknown>[]> {
  const rows = (await gateway.catchUp()).filter(({ kind }) => kind === "integration");
  return rows.map(({ id, gone, body }) => {
    if (gone) return { id, gone };
    const { provider = "", sealed = "", enabled } = body as { provider?: string; sealed?: string; enabled?: boolean };
    const secrets = openAtGateway(gateway.privateKey, { site, gateway: gateway.id, provider }, sealed);
    const shown = secrets && Object.fromEntries(Object.entries(secrets).map(([name, one]) => [name, one.reveal()]));
    return { provider, enabled, secrets: shown };
  });
}

test("what is given reaches the gateway that uses it, and status says how it does", async (t) => {
  const { ask, gateway, clock } = await given(t);
  const before = (await ask("GET", `${base}/status`)).body;
  assert.deepEqual([before.isConfigured, before.isEnabled], [false, false]);
  assert.deepEqual(
    before.items.map(({ provider, state }: Record<string, unknown>) => `${provider} ${state}`),
    ["KISI not-given", "BRIVO not-given"],
  );

  const made = await ask("POST", `${base}/configure`, { provider: "kisi", apiKey: kisiKey });
  assert.equal(made.status, 200, made.text);
  assert.deepEqual(
    [made.body.provider, made.body.isConfigured, made.body.isEnabled, made.body.secrets, made.body.state],
    ["KISI", true, true, ["apiKey"], "on-its-way"],
  );
  assert.deepEqual([made.body.configuredAt, made.body.configuredBy], ["2031-03-04T12:00:00Z", "admin"]);
  assert.deepEqual(made.body.devices, [
    { id: "kisi-1", link: "online", attention: null, doors: ["studio"] },
    { id: "kisi-2", link: "unknown", attention: 'its secret "apiKey" is missing', doors: ["yard"] },
  ]);
  assert.deepEqual(await opened(gateway), [{ provider: "kisi", enabled: true, secrets: { apiKey: kisiKey } }]);
  const after = (await ask("GET", `${base}/status?site=hub`)).body;
  assert.deepEqual([after.isConfigured, after.isEnabled, after.items[0].state], [true, true, "in-use"]);

  const brivo = await ask("POST", `${base}/configure`, { provider: "BRIVO", ...brivoSecrets });
  assert.deepEqual(brivo.body.secrets, ["apiKey", "clientSecret", "password"]);
  assert.deepEqual(await opened(gateway), [{ provider: "brivo", enabled: true, secrets: brivoSecrets }]);

  clock.advance(60_000);
  const again = await ask("POST", `${base}/configure`, { provider: "KISI", apiKey: "another-key", isEnabled: false });
  assert.deepEqual([again.body.isEnabled, again.body.configuredAt], [false, "2031-03-04T12:01:00Z"]);
  assert.deepEqual(await opened(gateway), [{ provider: "kisi", enabled: false, secrets: { apiKey: "another-key" } }]);
  clock.advance(60_000);
  const switched = await ask("POST", `${base}/configure`, { provider: "KISI", isEnabled: true });
  assert.deepEqual([switched.body.isEnabled, switched.body.configuredAt], [true, "2031-03-04T12:01:00Z"]);
  assert.deepEqual(await opened(gateway), [{ provider: "kisi", enabled: true, secrets: { apiKey: "another-key" } }]);

  assert.equal((await ask("DELETE", `${base}/${gateway.id}:kisi`)).status, 204);
  assert.deepEqual(await opened(gateway), [{ id: `${gateway.id}:kisi`, gone: true }]);
  assert.equal((await ask("DELETE", `${base}/${gateway.id}:kisi`)).status, 404);
  assert.equal((await ask("GET", `${base}/status`)).body.items[0].state, "not-given");
});

test("another gateway and another site cannot open it; one with a new key is told as such", async (t) => {
  const { ask, cloud, gateway } = await given(t);
  const { id } = gateway;
  await ask("POST", `${base}/configure`, { provider: "KISI", apiKey: kisiKey });
  const beside = await cloud.gateway("hub");
  const purpose = { site: "hub", gateway: id, provider: "kisi" };
  const sealedRow = async (of: TestGateway) =>
    (await of.catchUp()).find(({ kind }) => kind === "integration")?.body as { readonly sealed: string };
  const { sealed } = await sealedRow(beside);
  assert.ok(openAtGateway(gateway.privateKey, purpose, sealed));
  assert.equal(openAtGateway(beside.privateKey, purpose, sealed), undefined);
  assert.equal(openAtGateway(gateway.privateKey, { ...purpose, site: "annexe" }, sealed), undefined);
  await cloud.ask("POST", "/api/sites", { id: "annexe", name: "Annexe", zone: "UTC" });
  const foreign = await cloud.gateway("annexe");
  assert.equal(await sealedRow(foreign), undefined);

  const renewed = await ask("POST", `/api/sites/hub/gateways/${id}/enrolment-codes`);
  await gateway.enrol(renewed.body.code);
  gateway.cursor = { feed: "", version: 0 };
  assert.deepEqual(await opened(gateway), [{ provider: "kisi", enabled: true, secrets: undefined }]);
  const state = async () => (await ask("GET", `${base}/status?site=hub`)).body.items[0].state;
  assert.equal(await state(), "give-again");
  await ask("POST", `${base}/configure`, { site: "hub", gateway: id, provider: "KISI", apiKey: kisiKey });
  assert.deepEqual(await opened(gateway), [{ provider: "kisi", enabled: true, secrets: { apiKey: kisiKey } }]);
  assert.equal(await state(), "in-use");
  await ask("POST", `/api/sites/hub/gateways/${id}/revoke`);
  assert.equal(await state(), "gateway-revoked");
});

test("what is wrong is named by its field, and nothing of a secret is said back", async (t) => {
  const { ask, cloud, answers } = await given(t);
  const { apiKey, clientSecret, password } = brivoSecrets;
  const q = '"'.repeat(4_095);
  for (const [body, field, message] of [
    [{ apiKey: kisiKey }, "body.provider", /./],
    [{ provider: "NUKI", apiKey: kisiKey }, "body.provider", /./],
    [{ provider: "KISI" }, "body.apiKey", /is needed/],
    [{ provider: "KISI", isEnabled: false }, "body.apiKey", /is needed: nothing was given/],
    [{ provider: "KISI", apiKey: "two words" }, "body.apiKey", /paste it without spaces/],
    [{ provider: "KISI", apiKey: `${"k".repeat(513)}` }, "body.apiKey", /4,096 characters at most/],
    [{ provider: "KISI", apiKey: kisiKey, password }, "body.password", /Kisi has none/],
    [{ provider: "KISI", apiKey: kisiKey, secret: kisiKey }, "body.secret", /unknown field/],
    [{ provider: "BRIVO", apiKey, password }, "body.clientSecret", /is needed: what was given before/],
    [{ provider: "BRIVO", apiKey, clientSecret }, "body.password", /is needed, or refreshToken/],
    [{ provider: "BRIVO", ...brivoSecrets, refreshToken: "r" }, "body.refreshToken", /not both/],
    [
      { provider: "BRIVO", apiKey: q, clientSecret: `${q}"`, password: q },
      "body.clientSecret",
      /4,096 characters at most/,
    ],
    [{ provider: "KISI", apiKey: kisiKey, gateway: "hub.none" }, "body.gateway", /no such gateway in service/],
    [{ provider: "KISI", apiKey: kisiKey, site: "none" }, "body.site", /no such site/],
    [{ provider: "KISI", apiKey: kisiKey, isEnabled: "yes" }, "body.isEnabled", /./],
  ] as const) {
    const answer = await ask("POST", `${base}/configure`, body);
    assert.equal(answer.status, 400, JSON.stringify(body));
    const found = answer.body.errors.find((one: { field: string }) => one.field === field);
    assert.match(found?.message ?? answer.text, message, answer.text);
  }
  for (const secret of [kisiKey, "two words", ...Object.values(brivoSecrets)])
    assert.ok(!answers.some((text) => text.includes(secret)), secret);

  await cloud.ask("POST", "/api/sites", { id: "annexe", name: "Annexe", zone: "UTC" });
  const order = { provider: "KISI", apiKey: kisiKey };
  const errorOf = async (more: object) =>
    (await ask("POST", `${base}/configure`, { ...order, ...more })).body.errors[0].message;
  assert.equal(await errorOf({}), "name the site; there are several");
  assert.equal(await errorOf({ site: "annexe" }), "the site has no gateway in service yet");
  await cloud.gateway("annexe");
  await cloud.gateway("annexe");
  assert.equal(await errorOf({ site: "annexe" }), "name the gateway; there are several");
  const useless = await cloud.gateway("hub");
  assert.equal((await ask("POST", `${base}/configure`, { ...order, site: "hub" })).status, 200);
  await ask("POST", `${base}/configure`, { ...order, site: "hub", gateway: useless.id });
  await useless.catchUp();
  await useless.poll();
  const { items } = (await ask("GET", `${base}/status?site=hub`)).body;
  const ofUseless = items.find((one: { gateway: { id: string } }) => one.gateway.id === useless.id);
  assert.equal(ofUseless?.state, "on-its-way", "it has the key and no door that uses it");
});

test("an owner does so at the own site alone; everybody else not at all", async (t) => {
  const { cloud, gateway } = await given(t);
  await cloud.ask("POST", "/api/sites", { id: "annexe", name: "Annexe", zone: "UTC" });
  const [owner, stranger] = [await cloud.as("owner", ["hub"]), await cloud.as("owner", ["annexe"])];
  const order = { provider: "KISI", apiKey: kisiKey };
  assert.equal((await stranger.ask("POST", `${base}/configure`, { ...order, site: "hub" })).status, 400);
  assert.equal((await owner.ask("POST", `${base}/configure`, order)).body.configuredBy, owner.id);
  assert.equal((await stranger.ask("GET", `${base}/status?site=hub`)).status, 400);
  assert.deepEqual((await stranger.ask("GET", `${base}/status`)).body.items, []);
  assert.equal((await stranger.ask("DELETE", `${base}/${gateway.id}:kisi`)).status, 404);
  assert.equal((await owner.ask("GET", `${base}/status`)).body.items.length, 2);
  assert.equal((await owner.ask("DELETE", `${base}/${gateway.id}:kisi`)).status, 204);
});

test("the paths without /api answer as those with it, to the same people", async (t) => {
  const { ask, cloud } = await given(t);
  const short = "/integrations/access";
  assert.equal((await ask("POST", `${short}/configure`, { provider: "KISI", apiKey: kisiKey })).status, 200);
  for (const what of ["status", "logs?limit=1", "logs?limit=none", "nothing"]) {
    const [a, b] = [await ask("GET", `${short}/${what}`), await ask("GET", `${base}/${what}`)];
    assert.deepEqual([a.status, { ...a.body, requestId: "" }], [b.status, { ...b.body, requestId: "" }], what);
  }
  assert.equal((await ask("GET", `${short}/status`, undefined, { authorization: "" })).status, 401);
  assert.equal((await (await cloud.as("guard", ["hub"])).ask("GET", `${short}/status`)).status, 403);
  assert.equal((await ask("POST", `${short}/configure`, "k".repeat(70_000))).status, 413);
  const owner = await cloud.as("owner", ["hub"]);
  const order = { provider: "KISI", apiKey: kisiKey };
  const byCookie = (path: string, from: string) =>
    cloud.app.request(`${path}/configure`, {
      method: "POST",
      headers: { ...owner.browser, "sec-fetch-site": from, "content-type": "application/json" },
      body: JSON.stringify(order),
    });
  for (const path of [short, base])
    assert.deepEqual(
      [(await byCookie(path, "cross-site")).status, (await byCookie(path, "same-origin")).status],
      [403, 200],
      path,
    );
});

test("a secret stands in no answer, no line of the log, no page of the feed, no table and no backup", async (t) => {
  const { ask, cloud, gateway, logged, answers } = await given(t);
  await ask("POST", `${base}/configure`, { provider: "KISI", apiKey: kisiKey });
  await ask("POST", `${base}/configure`, { provider: "BRIVO", ...brivoSecrets });
  await ask("POST", `${base}/configure`, { provider: "KISI", apiKey: kisiKey }, { "idempotency-key": "once" });
  await ask("POST", `${base}/configure`, { provider: "BRIVO", apiKey: brivoSecrets.apiKey, isEnabled: false });
  for (const path of ["status", "logs", "credentials"]) await ask("GET", `${base}/${path}`);
  await ask("GET", "/api/audit?limit=200");
  const page = JSON.stringify((await gateway.poll()).body);
  assert.ok(page.includes('"kind":"integration"'));
  const pieces: Uint8Array[] = [];
  await takeBackup(cloud.store, { madeAt: 0, by: "test" }, async (piece) => void pieces.push(piece));
  const places = {
    answers: answers.join("\n"),
    log: logged.join("\n"),
    feed: page,
    tables: await everyTable(cloud.store),
    backup: gunzipSync(Buffer.concat(pieces)).toString("utf8"),
  };
  for (const name of ["tables", "backup"] as const)
    assert.ok(places[name].includes("integrations.configure"), `${name}: what is kept is there`);
  const seen = Object.values({ kisiKey, ...brivoSecrets }).flatMap((secret) =>
    [
      secret,
      Buffer.from(secret).toString("base64"),
      Buffer.from(secret).toString("base64url"),
      Buffer.from(secret).toString("hex"),
    ].flatMap((text) =>
      Object.entries(places).flatMap(([name, all]) => (all.includes(text) ? [`${secret} in ${name}`] : [])),
    ),
  );
  assert.deepEqual(seen, []);
});

async function everyTable({ db }: Store): Promise<string> {
  const names = await rowsOf<{ name: string }>(
    db,
    sql`select table_name as name from information_schema.tables where table_schema = 'public' order by 1`,
  );
  assert.ok(names.some(({ name }) => name === "access_integration"));
  const rows = await Promise.all(
    names.map(({ name }) => rowsOf<{ row: string }>(db, sql.raw(`select t::text as row from "${name}" t`))),
  );
  return rows.flatMap((of) => of.map(({ row }) => row)).join("\n");
}

const window = { from: Date.UTC(2031, 2, 4, 12), until: Date.UTC(2031, 2, 6, 11) };

/** What a gateway writes down of one credential. */
function factsOf(grant: string, device: string, change: "set" | "clear", ref?: string): Record<string, unknown> {
  return { device, grant, credential: `${grant}-pin`, change, index: "i".repeat(43), window, ...(ref && { ref }) };
}

test("logs tell what became of credentials at a maker's doors, page by page, and credentials how each is now", (t) =>
  showLogs(t));

test("they do on PostgreSQL", { skip: missing("postgres") }, async (t) => {
  const postgres = await startPostgres();
  t.after(() => postgres.stop());
  const store = await openStore({ clock: systemClock, logger: silentLogger, databaseUrl: postgres.url });
  t.after(() => store.close());
  await showLogs(t, store);
});

async function showLogs(t: TestContext, store?: Store): Promise<void> {
  const { ask, cloud, clock, gateway } = await given(t, store);
  const made: string[] = [];
  for (const name of ["Ada", "Bo"]) {
    const { body } = await cloud.ask("POST", "/api/sites/hub/grants", {
      ...{ kind: "member", holder: { name }, accessPoints: ["studio"], entriesAllowed: null },
      ...{
        from: "2031-03-04T12:00:00Z",
        until: "2031-03-06T11:00:00Z",
        credentials: [{ kind: "pin", value: `471${name.length}${made.length}9` }],
      },
    });
    made.push(body.id);
  }
  const [ada = "", bo = ""] = made;
  const write = async (...events: Record<string, unknown>[]) => {
    const first = gateway.lines.length + 1;
    for (const event of events) {
      clock.advance(1_000);
      gateway.record(event);
    }
    const pushed = await gateway.push(first);
    assert.equal(pushed.body.outcome, "taken", pushed.text);
  };
  const answered = (grant: string, device: string, result: string) => ({
    ...{ type: "code-answered", device, grant, credential: `${grant}-pin`, result },
  });
  await write(
    { type: "code-sent", ...factsOf(ada, "kisi-1", "set") },
    answered(ada, "kisi-1", "accepted"),
    { type: "code-read", state: "present", ...factsOf(ada, "kisi-1", "set", "role-81") },
    { type: "code-sent", ...factsOf(bo, "kisi-2", "set") },
    answered(bo, "kisi-2", "refused"),
    { type: "code-missing", device: "kisi-2", grant: bo, credential: `${bo}-pin`, why: "late" },
    { type: "code-sent", ...factsOf(bo, "tuya-1", "set") },
    { type: "code-read", state: "present", ...factsOf(bo, "tuya-1", "set", "3") },
    { type: "code-sent", ...factsOf(bo, "brivo-1", "set") },
    { type: "code-read", state: "present", ...factsOf(bo, "brivo-1", "set", "9001") },
    { type: "code-read", state: "absent", ...factsOf(ada, "kisi-1", "set", "role-81") },
    { type: "code-sent", ...factsOf(ada, "kisi-1", "set") },
    answered(ada, "kisi-1", "unknown"),
    { type: "code-read", state: "present", ...factsOf(ada, "kisi-1", "set", "role-82") },
  );
  const standing = (await ask("GET", `${base}/status`)).body.items.map(
    (one: Record<string, unknown>) => one.credentials,
  );
  assert.deepEqual(standing, [1, 1]);
  const credentials = async (query = "") => (await ask("GET", `${base}/credentials?${query}`)).body.items;
  const [first] = await credentials("provider=kisi&limit=200").then((items) => items.slice(-1));
  assert.deepEqual(first, {
    ...{ id: `${gateway.id}:kisi-1:${ada}-pin`, provider: "KISI", externalCredentialId: "role-82", isActive: true },
    ...{ grantedAt: "2031-03-04T12:00:14Z", revokedAt: null, createdAt: "2031-03-04T12:00:01Z" },
    ...{ site: "hub", gateway: gateway.id, device: "kisi-1", doors: ["studio"], grant: ada, booking: null },
    member: { id: first.member.id, name: "Ada" },
  });

  await write(
    { type: "code-sent", ...factsOf(ada, "kisi-1", "clear", "role-82") },
    { type: "code-read", state: "present", ...factsOf(ada, "kisi-1", "clear", "role-82") },
    { type: "code-read", state: "absent", ...factsOf(ada, "kisi-1", "clear", "role-82") },
  );
  const told = async (query: string) => {
    const found: string[] = [];
    let pages = 0;
    for (let next: string | null = ""; next !== null; pages += 1) {
      const { body } = await ask("GET", `${base}/logs?${query}${next && `&after=${next}`}`);
      for (const { at, action, provider, member, externalCredentialId: ref, why, doors } of body.items)
        found.push([at.slice(14, 19), action, provider, member?.name, ...doors, ref, why].filter(Boolean).join(" "));
      next = body.next;
    }
    return { found, pages };
  };
  const all = [
    "00:17 revoked KISI Ada studio role-82",
    "00:16 kept KISI Ada studio role-82",
    "00:14 granted KISI Ada studio role-82",
    "00:13 unanswered KISI Ada studio",
    "00:11 gone KISI Ada studio role-81",
    "00:10 granted BRIVO Bo office 9001",
    "00:06 missing KISI Bo yard late",
    "00:05 refused KISI Bo yard",
    "00:03 granted KISI Ada studio role-81",
  ];
  assert.deepEqual(await told("limit=200"), { found: all, pages: 1 });
  assert.deepEqual(await told("limit=2"), { found: all, pages: 5 });
  assert.deepEqual((await told("provider=Brivo")).found, [all[5]]);
  assert.deepEqual((await told("gateway=hub.none")).found, []);
  assert.equal((await ask("GET", `${base}/logs?after=nonsense`)).status, 400);

  const paged: string[] = [];
  for (let next: string | null = ""; next !== null; ) {
    const { body } = await ask("GET", `${base}/credentials?limit=1${next && `&after=${next}`}`);
    for (const { device, isActive, grantedAt, revokedAt } of body.items)
      paged.push([device, isActive, grantedAt?.slice(14, 19), revokedAt?.slice(14, 19)].join(" "));
    next = body.next;
  }
  assert.deepEqual(paged, ["brivo-1 true 00:10 ", "kisi-2 false  ", "kisi-1 false 00:14 00:17"]);
  assert.equal((await ask("GET", `${base}/status`)).body.items[0].credentials, 0);
}

test("what somebody took away at the maker is neither there nor told as revoked", () => {
  const facts = { device: "kisi-1", grant: "grant-1", credential: "cred-1", index: "a", window: null } as const;
  const stamp = { seq: 1, clock: "synced", boot: 1, mono: 0, accessPoint: "studio", ref: "role-81" } as const;
  const read = (at: number, change: string, state: string) =>
    ({ ...stamp, ...facts, type: "code-read", at, change, state }) as EvidenceEvent;
  const gone = [read(1, "set", "present"), read(2, "set", "absent")];
  const { isActive, grantedAt, revokedAt } = credentialAtMaker(gone);
  assert.deepEqual({ isActive, grantedAt, revokedAt }, { isActive: false, grantedAt: 1, revokedAt: null });
  assert.equal(credentialAtMaker([...gone, read(3, "clear", "absent")]).revokedAt, 3);
});
