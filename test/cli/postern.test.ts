/** The command line as a person meets it, through the real program. */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { commands } from "../../cli/commands.ts";
import { olderNode, postern } from "./run-postern.ts";

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "postern-cli-"));
});
after(() => rm(folder, { recursive: true }));

test("help lists every command, --version tells the package's", async () => {
  const [help, version] = await Promise.all([postern(["--help"]), postern(["--version"])]);
  for (const { name } of commands) assert.match(help.out, new RegExp(`^ {2}${name} `, "m"));
  assert.equal(help.code, 0);
  const { version: expected } = JSON.parse(readFileSync(join(import.meta.dirname, "../../package.json"), "utf8"));
  assert.deepEqual(version, { code: 0, out: `${expected}\n`, err: "" });
});

for (const { name, load } of commands) {
  test(`${name} --help tells usage, options and an example`, async () => {
    const { command } = await load();
    const { code, out, err } = await postern([...name.split(" "), "--help"]);
    assert.deepEqual({ code, err }, { code: 0, err: "" });
    assert.match(out, new RegExp(`^Usage: postern ${name}`, "m"));
    for (const option of Object.keys(command.options)) assert.match(out, new RegExp(`^ {2}--${option}\\b`, "m"));
    assert.match(out, new RegExp(`^Example:\n {2}.*postern ${name}\\b`, "m"));
  });
}

const misuse: readonly (readonly [words: readonly string[], expected: RegExp])[] = [
  [[], /Usage: postern COMMAND/],
  [["frobnicate"], /there is no command frobnicate; see postern --help/],
  [["cluod-sync"], /there is no command cluod-sync; did you mean cloud-sync\?/],
  [["jurnal", "show"], /did you mean journal\?/],
  [["journal"], /journal takes one of: journal verify, journal show/],
  [["journal", "verfy"], /did you mean journal verify\?/],
  [["journal", "verify"], /journal verify: FOLDER is missing/],
  [["journal", "verify", "a", "b"], /takes only FOLDER/],
  [["journal", "verify", "a", "--jsno"], /there is no option --jsno; did you mean --json\?/],
  [["journal", "verify", "a", "--json=yes"], /--json takes no value/],
  [["journal", "verify", "a", "--json", "--json"], /--json stands there twice/],
  [["cloud-sync", "--config"], /--config needs a value: --config FILE/],
  [["cloud-sync", "--config", "--data"], /--config needs a value/],
  [["cloud-sync", "--data="], /--data needs a value/],
  [["ca", "init"], /which data folder\? Give --data DIR/],
  [["--constructor"], /there is no command --constructor/],
  [["ca", "init", "--constructor", "x"], /there is no option --constructor/],
];
for (const [words, expected] of misuse) {
  test(`misuse ends with 2 and says what to do: postern ${words.join(" ")}`, async () => {
    const { code, out, err } = await postern(words);
    assert.match(err, expected);
    assert.deepEqual({ code, out }, { code: 2, out: "" });
    assert.doesNotMatch(err, /^ {4}at /m);
  });
}

test("an error of ours is a message and what to do, never a stack", async () => {
  const bad = join(folder, "bad.yaml");
  await writeFile(bad, "data: ./x\nhtpt: {}\nlog: { level: loud }\n");
  const { code, err } = await postern(["cloud-sync", "--config", bad]);
  assert.equal(code, 1);
  assert.match(err, /bad\.yaml:2: htpt: unknown key; did you mean http\?\n.*bad\.yaml:3: log\.level: found "loud"/);
  assert.doesNotMatch(err, /^ {4}at /m);
});

/** Where the machine has no older Node there is nothing to hand over from; that is not a test left out. */
if (olderNode !== undefined) {
  const node = olderNode;
  test(`started by ${olderNode} it goes on under the pinned Node, with its exit code`, async () => {
    const version = await postern(["--version"], { node });
    assert.deepEqual({ code: version.code, err: version.err }, { code: 0, err: "" });
    assert.equal((await postern(["journal"], { node })).code, 2);
  });
}

test("the authority is made once, shown, and issues what it signs", async () => {
  const data = join(folder, "gateway");
  const out = join(folder, "box");
  assert.equal((await postern(["ca", "show", "--data", data])).code, 1);
  assert.match((await postern(["ca", "init", "--data", data])).out, /ca\.crt: made/);
  assert.match((await postern(["ca", "init", "--data", data])).out, /nothing was changed/);

  const shown = await postern(["ca", "show", "--data", data]);
  const issued = await postern(["ca", "device", "box-1", "--data", data, "--out", out]);
  const again = await postern(["ca", "device", "box-1", "--data", data, "--out", out]);
  const odd = await postern(["ca", "device", "../evil", "--data", data, "--out", out]);

  const authority = new X509Certificate(shown.out);
  assert.equal(issued.code, 0, issued.err);
  const certificate = new X509Certificate(readFileSync(join(out, "box-1.crt")));
  assert.ok(certificate.checkIssued(authority));
  assert.match(certificate.subject, /CN=box-1/);
  assert.equal(statSync(join(out, "box-1.key")).mode & 0o777, 0o600);
  assert.equal(readFileSync(join(out, "ca.crt"), "utf8").trim(), shown.out.trim());
  assert.equal(again.code, 1);
  assert.match(again.err, /box-1\.key stands there already/);
  assert.equal(odd.code, 1);
});

test("a certificate is issued only for a device that the configuration has, where there is one", async () => {
  const file = join(folder, "boxes.yaml");
  const out = join(folder, "boxes");
  const devices = ["front-box", "yard-box"].map((id) => `{ id: ${id}, driver: mqtt-lockbox }`).join(", ");
  await writeFile(file, `data: ./boxes-data\ncloud: { url: "https://cloud.example" }\ndevices: [${devices}]\n`);
  const issue = (id: string) => postern(["ca", "device", id, "--config", file, "--out", out]);

  const [near, far, right] = [await issue("frontbox"), await issue("nothing"), await issue("front-box")];

  assert.match(near.err, /no device is called frontbox in .*; did you mean front-box\?/);
  assert.match(far.err, /no device is called nothing in .*; it has front-box, yard-box/);
  assert.deepEqual([near.code, far.code, right.code], [1, 1, 0], right.err);
  assert.deepEqual(readdirSync(out).sort(), ["ca.crt", "front-box.crt", "front-box.key"]);
});

test("journal commands on a folder without a journal say so", async () => {
  for (const action of ["verify", "show"]) {
    const { code, err } = await postern(["journal", action, folder]);
    assert.equal(code, 1);
    assert.match(err, /there is no .*journal in this folder/);
  }
});
