/** What a wrong configuration is answered with. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { inspect } from "node:util";
import { stringify } from "yaml";
import { ConfigError } from "../../config/config-error.ts";
import { editorSchema, schemaFile } from "../../config/generate-schema.ts";
import { cloudFromYaml, gatewayFromYaml, loadCloudConfig, loadGatewayConfig } from "../../config/load.ts";
import { parseYaml } from "../../config/yaml-file.ts";
import fc from "../support/fast-check.ts";

const examples = join(import.meta.dirname, "..", "..", "config");
let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "postern-config-"));
});
after(() => rm(folder, { recursive: true }));

const valid = {
  data: "./data",
  cloud: { url: "https://cloud.example" },
  http: { port: 8080 },
  broker: { port: 8883, plainPort: 1883 },
  clock: { source: "auto" },
  devices: [
    { id: "box-1", driver: "mqtt-lockbox", options: { heartbeatMs: 1000 } },
    { id: "box-2", driver: "mqtt-lockbox" },
    { id: "spare", driver: "mqtt-lockbox" },
  ],
  accessPoints: [
    { id: "front", name: "Front", lock: "box-1", readers: ["box-1"] },
    { id: "back", name: "Back", lock: "box-2", readers: ["box-2"], holdMs: 5000 },
  ],
  log: { level: "info" },
};

/** The faults of a file as `path: message`, "" when there are none. */
function faultsOf(text: string): string {
  try {
    gatewayFromYaml(parseYaml("site.yaml", text));
    return "";
  } catch (error) {
    assert.ok(error instanceof ConfigError, inspect(error));
    return error.message;
  }
}

type Path = readonly (string | number)[];

/** A copy of `valid` with the value at `path` replaced; undefined removes it. */
function changed(path: Path, value: unknown): Record<string, unknown> {
  const copy = structuredClone(valid) as Record<string, unknown>;
  const parent = path.slice(0, -1).reduce<unknown>((at, part) => Reflect.get(at as object, part), copy);
  if (value === undefined) Reflect.deleteProperty(parent as object, path.at(-1)!);
  else Reflect.set(parent as object, path.at(-1)!, value);
  return copy;
}

test("the file all rows below are made from is valid", () => assert.equal(faultsOf(stringify(valid)), ""));

const rows: readonly (readonly [name: string, path: Path, value: unknown, expected: RegExp])[] = [
  [
    "a key nearly right",
    ["accessPoints", 1, "readrs"],
    ["box-2"],
    /:\d+: accessPoints\[1\]\.readrs: unknown key; did you mean readers\?/,
  ],
  ["a key like none", ["http", "zzzzz"], 1, /http\.zzzzz: unknown key; known here: host, port/],
  ["a missing key", ["cloud", "url"], undefined, /cloud\.url: is missing; expected text/],
  ["text for a number", ["http", "port"], "80a80", /http\.port: found "80a80", expected a number/],
  ["a fraction for a port", ["http", "port"], 80.5, /http\.port: found 80\.5, expected a whole number/],
  ["a port beyond", ["http", "port"], 70_000, /http\.port: found 70000, expected at most 65535/],
  ["nothing after a key", ["accessPoints", 0, "name"], null, /accessPoints\[0\]\.name: found nothing, expected text/],
  [
    "a word nearly right",
    ["clock", "source"],
    "sytem",
    /clock\.source: found "sytem", expected auto, system, cloud; did you mean system\?/,
  ],
  ["an id with a space", ["devices", 0, "id"], "box 1", /devices\[0\]\.id: found "box 1", expected 1 to 64 letters/],
  ["an id too long", ["devices", 0, "id"], "x".repeat(65), /devices\[0\]\.id: found "x+…", expected 1 to 64/],
  ["an id taken", ["devices", 2, "id"], "box-1", /devices\[2\]\.id: "box-1" is taken by devices\[0\]/],
  [
    "an access point's id taken",
    ["accessPoints", 1, "id"],
    "front",
    /accessPoints\[1\]\.id: "front" is taken by accessPoints\[0\]/,
  ],
  [
    "ids spelled alike",
    ["devices", 2, "id"],
    "BOX_1",
    /devices\[2\]\.id: "BOX_1" and devices\[0\] "box-1" differ only in case/,
  ],
  [
    "a lock that is not there",
    ["accessPoints", 0, "lock"],
    "bxo-1",
    /accessPoints\[0\]\.lock: no device has the id "bxo-1"; did you mean box-1\?/,
  ],
  [
    "a reader that is not there",
    ["accessPoints", 0, "readers"],
    ["gate"],
    /accessPoints\[0\]\.readers\[0\]: no device has the id "gate"; known: box-1, box-2, spare/,
  ],
  [
    "a reader of two doors",
    ["accessPoints", 1, "readers"],
    ["box-1"],
    /accessPoints\[1\]\.readers\[0\]: "box-1" is a reader of "front" already/,
  ],
  ["a port taken", ["broker", "port"], 8080, /broker\.port: 8080 is http\.port already/],
  [
    "a name to listen on without TLS",
    ["broker", "plainLan"],
    { host: "gateway.local" },
    /broker\.plainLan\.host: .*expected an IP address, such as 192\.168\.1\.10/,
  ],
  [
    "a port taken without TLS",
    ["broker", "plainLan"],
    { host: "192.168.1.10" },
    /broker\.plainLan\.port: 1883 is broker\.plainPort already/,
  ],
  ["a port taken for the LAN", ["lan"], { host: "10.0.0.2", port: 8883 }, /lan\.port: 8883 is broker\.port already/],
  [
    "no address for the other gateways",
    ["lan"],
    { port: 8444 },
    /lan\.advertise: is missing; expected the address other gateways reach this one by, such as 192\.168\.1\.20:8444/,
  ],
  ["every IPv6 address for the other gateways", ["lan"], { host: "::" }, /lan\.advertise: is missing/],
  ["an address without a port", ["lan"], { advertise: "gate.local" }, /lan\.advertise: expected host:port/],
  ["a port beyond, in an address", ["lan"], { advertise: "[fd00::2]:65536" }, /lan\.advertise: expected host:port/],
  ["a key the LAN does not know", ["lan"], { advertised: "gate.local:1" }, /lan\.advertised: .*did you mean advertise/],
  ["a cloud in clear", ["cloud", "url"], "http://cloud.example", /cloud\.url: expected https:\/\//],
  [
    "a cloud by another name",
    ["cloud", "url"],
    "ftp://cloud.example",
    /cloud\.url: expected a URL beginning with https/,
  ],
  [
    "a password in a URL",
    ["cloud", "url"],
    "https://me:hunter2@cloud.example",
    /cloud\.url: a URL must not carry a user or a password/,
  ],
  [
    "a secret in options",
    ["devices", 0, "options"],
    { apiToken: "hunter2" },
    /devices\[0\]\.options\.apiToken: secrets do not belong in this file; .* devices: box-1: apiToken: .* POSTERN_SECRET_DEVICES_BOX_1_APITOKEN/,
  ],
  ["a secret anywhere", ["http", "password"], "hunter2", /http\.password: secrets do not belong/],
  [
    "a secret deep inside",
    ["devices", 0, "options"],
    { list: [{ pin: 4711 }] },
    /devices\[0\]\.options\.list\[0\]\.pin: secrets do not belong/,
  ],
  ["a secret in place of a map", ["cloud"], "hunter2", /cloud: found text, expected a map of keys/],
];

for (const [name, path, value, expected] of rows) {
  test(`${name}: ${path.join(".")}`, () => {
    const message = faultsOf(stringify(changed(path, value)));
    assert.match(message, expected);
    assert.doesNotMatch(message, /hunter2|4711/);
    assert.equal(message.split("\n").length, 1, message);
  });
}

test("every fault of a file is told at once, each with its line", () => {
  const message = faultsOf("data: ./d\ncloud:\n  ulr: https://x\nhttp:\n  port: many\nlog: { levle: info }\n");

  assert.deepEqual(
    message.split("\n").map((line) => line.split(" ").slice(0, 2).join(" ")),
    ["site.yaml:2: cloud.url:", "site.yaml:3: cloud.ulr:", "site.yaml:5: http.port:", "site.yaml:6: log.levle:"],
  );
});

test("port 0 may stand for several any-free ports, and loopback for a cloud in clear", () => {
  const copy = { ...valid, http: { port: 0 }, broker: { port: 0, plainPort: 0 }, cloud: { url: "http://127.0.0.1:1" } };
  assert.equal(faultsOf(stringify(copy)), "");
});

const broken = [
  "data: [",
  "data: 'hunter2",
  "a: 1\na: 2",
  "a: *hunter2",
  "a: !hunter2 x",
  "\tdata: hunter2: x",
  "a: 1\n---\nb: 2",
  "[".repeat(20_000),
  `a: ${"x".repeat(1_000_001)}`,
  `a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c]`,
];
for (const text of broken) {
  test(`not YAML we take, and nothing of it is repeated: ${JSON.stringify(text.slice(0, 20))}`, () => {
    const message = faultsOf(text);
    assert.match(message, /site\.yaml/);
    assert.doesNotMatch(message, /hunter2/);
  });
}

test("an absent file, a file that contains itself, and prototypes are faults, never crashes", async () => {
  await assert.rejects(loadGatewayConfig(join(folder, "none.yaml")), /none\.yaml: the configuration does not exist/);
  assert.match(faultsOf("devices: &d [ *d ]\ndata: x"), /devices\[0\]/);
  assert.match(faultsOf("__proto__: { data: x }\ncloud: { url: https://x }"), /data: is missing/);
});

test("whatever a file holds, the answer is a configuration or its faults", () => {
  const paths: Path[] = [
    ...Object.keys(valid).map((key) => [key]),
    ["cloud", "url"],
    ["broker", "plainPort"],
    ["devices", 0],
    ["devices", 0, "id"],
    ["devices", 0, "options"],
    ["accessPoints", 1],
    ["accessPoints", 1, "readers"],
    ["accessPoints", 1, "lock"],
    ["__proto__"],
    ["clock", "constructor"],
  ];
  const weird = fc.oneof(fc.jsonValue(), fc.string(), fc.constantFrom(Number.NaN, Infinity, -0, 1e300, "__proto__"));
  fc.assert(
    fc.property(fc.constantFrom(...paths), weird, (path, value) => {
      faultsOf(stringify(changed(path, value)));
    }),
    { numRuns: 500 },
  );
  const text = stringify(valid);
  fc.assert(
    fc.property(fc.nat(text.length), fc.nat(8), fc.string({ maxLength: 6 }), (at, cut, inserted) => {
      faultsOf(text.slice(0, at) + inserted + text.slice(at + cut));
    }),
    { numRuns: 500 },
  );
});

test("the schema for editors is up to date: tsx config/generate-schema.ts", () => {
  assert.equal(readFileSync(schemaFile, "utf8"), editorSchema());
});

for (const name of globSync("*.example.yaml", { cwd: examples })) {
  test(`${name} is valid and names its schema`, async () => {
    const file = join(examples, name);
    const text = readFileSync(file, "utf8");
    const schema = /^# yaml-language-server: \$schema=\.\/(\S+)\n/.exec(text)?.[1];
    assert.ok(schema && JSON.parse(readFileSync(join(examples, schema), "utf8")).$ref, `${name} names no schema`);

    if (schema === "cloud-sync.schema.json") cloudFromYaml(parseYaml(name, text));
    else if (schema === "schema.json") assert.ok(gatewayFromYaml(parseYaml(name, text)).accessPoints.length > 0);
    else {
      const secrets = join(folder, "example-secrets.yaml");
      await writeFile(secrets, text, { mode: 0o600 });
      const house = join(examples, "small-house.example.yaml");
      const loaded = await loadGatewayConfig(house, { environment: { POSTERN_SECRETS_FILE: secrets } });
      assert.match(loaded.secrets.ofDevice("front-box", "key") ?? "", /key of the box/);
    }
  });
}

test("paths are relative to the file, --data to the working folder", async () => {
  const file = join(folder, "site.yaml");
  await writeFile(file, stringify({ ...valid, cloud: { url: "https://cloud.example", caFile: "ca.pem" } }));

  const plain = await loadGatewayConfig(file, { environment: {} });
  const moved = await loadGatewayConfig(file, { environment: {}, data: "elsewhere" });

  assert.equal(plain.settings.data, join(folder, "data"));
  assert.equal(plain.settings.cloud.caFile, join(folder, "ca.pem"));
  assert.equal(plain.settings.accessPoints[0]?.holdMs, 30_000);
  assert.equal(moved.settings.data, join(process.cwd(), "elsewhere"));
});

test("cloud-sync takes no setting that nothing reads", () => {
  const yaml = parseYaml("cloud.yaml", "data: ./cloud\nhttp:\n  publicUrl: https://cloud.example\n");
  assert.throws(() => cloudFromYaml(yaml), /cloud\.yaml:3.*http\.publicUrl/s);
});

test("cloud-sync's trusted proxies are addresses and networks, named at fault by their place", () => {
  const of = (proxies: string) =>
    cloudFromYaml(parseYaml("cloud.yaml", `data: ./cloud\ntrustedProxies: [${proxies}]\n`)).trustedProxies;
  const good = ["127.0.0.1", "10.0.0.0/8", "fd00::/8", "::1"];
  assert.deepEqual(of(good.map((one) => `"${one}"`).join()), good);
  for (const bad of ["proxy.example", "10.0.0.0/33", "10.0.0.0/", "fd00::/129", "10.0.0/8"])
    assert.throws(() => of(`127.0.0.1, "${bad}"`), /trustedProxies\[1\].*10\.0\.0\.0\/8/s);
});

test("cloud-sync's retention has a default for each kind, and takes no fewer days than what it keeps is needed for", () => {
  const of = (text: string) => cloudFromYaml(parseYaml("cloud.yaml", `data: ./cloud\n${text}`)).retention;
  const usual = of("");
  assert.ok(Object.values(usual).every((days) => days >= 30));
  assert.deepEqual(of("retention:\n  eventsDays: 90\n"), { ...usual, eventsDays: 90 });
  assert.throws(() => of("retention:\n  sessionsDays: 1\n"), /cloud\.yaml:3.*retention\.sessionsDays/s);
  assert.throws(() => of("retention:\n  eventDays: 90\n"), /eventsDays/);
});

test("the database is named by the environment alone and not shown", async () => {
  const file = join(folder, "cloud.yaml");
  await writeFile(file, "data: ./cloud\ndatabaseUrl: postgres://u:hunter2@h/d\n");
  await assert.rejects(
    loadCloudConfig(file),
    (error: Error) => /DATABASE_URL/.test(error.message) && !/hunter2/.test(error.message),
  );

  await writeFile(file, "data: ./cloud\n");
  const config = await loadCloudConfig(file, { environment: { DATABASE_URL: "postgres://u:hunter2@h/d" } });
  assert.equal(config.databaseUrl(), "postgres://u:hunter2@h/d");
  assert.doesNotMatch(inspect(config, { depth: 9 }) + JSON.stringify(config), /hunter2/);
  await assert.rejects(
    loadCloudConfig(file, { environment: { DATABASE_URL: "hunter2" } }),
    /DATABASE_URL: expected postgres/,
  );
});

test("a configuration may be read by all, a secrets file by its owner alone", async () => {
  const file = join(folder, "mode.yaml");
  const secretsFile = join(folder, "mode-secrets.yaml");
  await writeFile(file, stringify({ ...valid, secretsFile: "./mode-secrets.yaml" }));
  await writeFile(secretsFile, "devices: { box-1: { key: hunter2 } }", { mode: 0o600 });
  const load = () => loadGatewayConfig(file, { environment: {} });
  assert.equal((await load()).secrets.ofDevice("box-1", "key"), "hunter2");

  for (const mode of [0o640, 0o604, 0o660]) {
    await chmod(secretsFile, mode);
    await assert.rejects(load(), new RegExp(`mode 0${mode.toString(8)}\\); run: chmod 600 .*mode-secrets\\.yaml`));
  }
});

test("a mail server is named with a way to it that nobody listens on, and with the address its links lead to", async () => {
  const faults = (mail: string, publicUrl = "publicUrl: https://postern.example\n") => {
    try {
      cloudFromYaml(parseYaml("cloud.yaml", `data: ./cloud\n${publicUrl}mail: {host: ${mail}}\n`));
      return "";
    } catch (error) {
      return (error as Error).message;
    }
  };
  const from = 'from: "Postern <postern@example.org>"';
  assert.equal(faults(`smtp.example.org, ${from}`), "");
  assert.equal(faults(`localhost, encryption: none, from: postern@example.org`), "");
  assert.match(faults(`smtp.example.org, encryption: none, ${from}`), /mail\.encryption: .*expected starttls/);
  assert.match(faults(`smtp.example.org, ${from}`, ""), /publicUrl: is needed with mail/);
  assert.match(faults(`smtp.example.org, from: "a\\r\\nBcc: b@example.org"`), /mail\.from: .*expected postern@/);
  assert.match(faults(`smtp.example.org, ${from}, password: hunter2`), /mail\.password/);

  const file = join(folder, "mail.yaml");
  const mail = `mail: {host: smtp.example.org, user: postern, ${from}, caFile: ca.pem}`;
  await writeFile(file, `data: ./cloud\npublicUrl: https://postern.example\n${mail}\n`);
  await assert.rejects(loadCloudConfig(file, { environment: {} }), /POSTERN_MAIL_PASSWORD: is needed/);
  const { settings, mailPassword } = await loadCloudConfig(file, { environment: { POSTERN_MAIL_PASSWORD: "hunter2" } });
  assert.equal(mailPassword(), "hunter2");
  assert.equal(settings.mail?.caFile, join(folder, "ca.pem"));
});

test("a community's app is named by its id, with a key from the environment; push services are origins, by https", async () => {
  const file = join(folder, "notify.yaml");
  const load = async (notify: string, environment: Record<string, string> = {}) => {
    await writeFile(file, `data: ./cloud\nnotify: ${notify}\n`);
    return loadCloudConfig(file, { environment });
  };
  const app = "{oneSignal: {appId: b2f7f966-0000-4000-8000-000000000000}}";
  await assert.rejects(load(app), /POSTERN_ONESIGNAL_KEY: is needed/);
  const { settings, oneSignalKey } = await load(app, { POSTERN_ONESIGNAL_KEY: "os_v2" });
  assert.deepEqual([settings.notify.oneSignal?.appId.slice(0, 8), oneSignalKey()], ["b2f7f966", "os_v2"]);
  await assert.rejects(load("{oneSignal: {appId: ours}}"), /notify\.oneSignal\.appId/);
  await assert.rejects(
    load("{pushServices: [https://push.example/path]}"),
    /notify\.pushServices\[0\]: .*without a path/,
  );
  await assert.rejects(load("{pushServices: [http://push.example]}"), /expected https:/);
  assert.deepEqual((await load("{pushServices: [https://push.example]}")).settings.notify.pushServices, [
    "https://push.example",
  ]);
});

test("where Twilio and Lodgify answer is an origin, by https unless it is this machine", async () => {
  const file = join(folder, "addresses.yaml");
  const load = async (rest: string) => {
    await writeFile(file, `data: ./cloud\n${rest}\n`);
    return (await loadCloudConfig(file, { environment: { POSTERN_TWILIO_TOKEN: "token" } })).settings;
  };
  const twilio = (apiUrl: string) =>
    `guests: {twilio: {accountSid: AC${"1".repeat(32)}, smsFrom: Postern, apiUrl: "${apiUrl}"}}`;
  assert.equal((await load(twilio("https://api.twilio.example"))).guests.twilio?.apiUrl, "https://api.twilio.example");
  assert.equal(
    (await load('sources: {lodgifyUrl: "http://127.0.0.1:8099"}')).sources.lodgifyUrl,
    "http://127.0.0.1:8099",
  );
  await assert.rejects(load(twilio("http://api.twilio.example")), /guests\.twilio\.apiUrl: .*https:/);
  await assert.rejects(load('sources: {lodgifyUrl: "https://lodgify.example/v2"}'), /lodgifyUrl: .*without a path/);
  assert.equal((await load("sources: {}")).sources.lodgifyUrl, undefined);
});

test("services that tell guests are named in the file, and their secrets are in the environment", async () => {
  const file = join(folder, "guests.yaml");
  const load = async (guests: string, environment: Record<string, string> = {}) => {
    await writeFile(file, `data: ./cloud\nguests: ${guests}\n`);
    return loadCloudConfig(file, { environment });
  };
  const account = `accountSid: AC${"1".repeat(32)}`;
  const twilio = `{twilio: {${account}, smsFrom: "+34600000000", templates: {code: {en: HX1}}}}`;
  await assert.rejects(load(twilio), /POSTERN_TWILIO_TOKEN: is needed/);
  const { settings, guestSecret } = await load(twilio, { POSTERN_TWILIO_TOKEN: "token" });
  assert.deepEqual(
    [settings.guests.twilio?.templates.code?.en, guestSecret("POSTERN_TWILIO_TOKEN"), settings.guests.meta],
    ["HX1", "token", undefined],
  );
  await assert.rejects(load(`{twilio: {${account}}}`), /guests\.twilio: .*smsFrom/);
  await assert.rejects(load(`{twilio: {${account}, smsFrom: "600 00"}, token: x}`), /guests\.token/);
  await assert.rejects(load('{twilio: {accountSid: ours, smsFrom: "+34600000000"}}'), /guests\.twilio\.accountSid/);
  const meta = '{meta: {phoneNumberId: "106540352242922"}}';
  const some = { POSTERN_META_TOKEN: "a", POSTERN_META_APP_SECRET: "b" };
  await assert.rejects(load(meta, some), /POSTERN_META_VERIFY_TOKEN: is needed/);
  await assert.rejects(load(meta, { ...some, POSTERN_META_VERIFY_TOKEN: "short" }), /of your own making/);
  const whole = await load(meta, { ...some, POSTERN_META_VERIFY_TOKEN: "of-our-own-making-1" });
  assert.equal(whole.settings.guests.meta?.version, "v25.0");
});
