/**
 * What is installed, audited from package-lock.json: where it comes from, that its content is proven, what it may run, under which licence
 * it is. Known holes (advisories) stand in a registry's database and cannot be had offline: ask `npm audit` where there is a line.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type DependencyRules, faultsOf, type LockedPackage, type LockFile } from "./support/lock-file.ts";

const root = join(import.meta.dirname, "..");
const read = (file: string) => JSON.parse(readFileSync(join(root, file), "utf8"));
const lock: LockFile = read("package-lock.json");

const rules: DependencyRules = {
  licences: [
    "0BSD",
    "Apache-2.0",
    "BSD-0-Clause",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BlueOak-1.0.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MIT OR Apache-2.0",
    "MPL-2.0",
    "Unlicense",
    "(AFL-2.1 OR BSD-3-Clause)",
    "(MIT OR CC0-1.0)",
  ],
  licencesByHand: {
    "@shinyoshiaki/jspack@0.0.6": "its LICENSE file is BSD-3-Clause",
    "ffmpeg-for-homebridge@2.2.0": "a downloader for cameras' video, whose script never runs; nothing of it is loaded",
  },
  installScripts: ["@serialport/bindings-cpp", "esbuild", "ffmpeg-for-homebridge", "protobufjs"],
  onlyOnce: [
    "@hono/node-server",
    "aedes",
    "drizzle-orm",
    "hono",
    "jose",
    "mqtt-packet",
    "pg",
    "tar",
    "undici",
    "ws",
    "yaml",
    "zod",
  ],
};

test("every package is proven, licensed, from a registry, and runs nothing unasked", () => {
  assert.ok(Object.keys(lock.packages).length > 100);
  assert.deepEqual(faultsOf(lock, rules), []);
});

test("each install script is allowed or refused by name, and none besides", () => {
  const { allowScripts } = read("package.json") as { allowScripts: Record<string, boolean> };
  assert.deepEqual(Object.keys(allowScripts).sort(), [...rules.installScripts].sort());
  assert.deepEqual(
    Object.keys(allowScripts).filter((name) => allowScripts[name]),
    ["esbuild"],
  );
});

test("the lock file is of this package.json", () => {
  const { dependencies, devDependencies, optionalDependencies } = read("package.json");
  const project = lock.packages[""]!;
  assert.deepEqual(
    [project.dependencies, project.devDependencies, project.optionalDependencies],
    [dependencies, devDependencies, optionalDependencies],
  );
});

const good: LockedPackage = {
  version: "1.0.0",
  license: "MIT",
  integrity: lock.packages["node_modules/zod"]!.integrity!,
};
const few: DependencyRules = { ...rules, licencesByHand: {}, installScripts: ["allowed"], onlyOnce: ["twin"] };
const lockOf = (packages: Record<string, LockedPackage>): LockFile => ({
  lockfileVersion: 3,
  packages: { "": {}, "node_modules/twin": good, ...packages },
});

for (const [what, packages, fault] of [
  ["a package without a checksum", { "node_modules/a": { ...good, integrity: "" } }, /has no sha512 integrity/],
  ["one with a weak checksum", { "node_modules/a": { ...good, integrity: "sha1-x" } }, /has no sha512 integrity/],
  ["a folder in a package's place", { "node_modules/a": { link: true, license: "MIT" } }, /linked or bundled/],
  ["a package from a repository", { "node_modules/a": { ...good, resolved: "git+ssh://git@host/a.git#1" } }, /no pack/],
  ["one over a plain line", { "node_modules/a": { ...good, resolved: "http://host/a/-/a-1.0.0.tgz" } }, /no package/],
  ["one by an address", { "": { dependencies: { a: "https://host/a.tgz" } } }, /asks for a by https/],
  [
    "one by another's short address",
    { "node_modules/a": { ...good, dependencies: { b: "who/b" } } },
    /asks for b by who/,
  ],
  ["one under another's name", { "node_modules/a": { ...good, dependencies: { b: "npm:c@1" } } }, /asks for b by npm/],
  ["a range of our own", { "": { dependencies: { a: "^1.0.0" } } }, /name one version/],
  ["a licence nobody has looked at", { "node_modules/a": { ...good, license: "AGPL-3.0-only" } }, /AGPL-3.0-only/],
  ["no licence", { "node_modules/a": { version: "1.0.0", integrity: good.integrity! } }, /none named/],
  ["a script at the install", { "node_modules/a": { ...good, hasInstallScript: true } }, /runs a script/],
  [
    "two versions where one is wanted",
    { "node_modules/a/node_modules/twin": { ...good, version: "2.0.0" } },
    /1\.0\.0 and 2/,
  ],
] as const satisfies readonly (readonly [string, Record<string, LockedPackage>, RegExp])[])
  test(`the audit finds ${what}`, () => {
    const faults = faultsOf(lockOf(packages), few);
    assert.equal(faults.length, what === "one by an address" ? 2 : 1, faults.join("; "));
    assert.match(faults[0]!, fault);
  });

test("it lets what it knows pass", () => {
  const allowed = { "node_modules/allowed": { ...good, hasInstallScript: true } };
  assert.deepEqual(faultsOf(lockOf(allowed), few), []);
  assert.deepEqual(
    faultsOf(lockOf({ "node_modules/a": { ...good, resolved: "https://host/a/-/a-1.0.0.tgz" } }), few),
    [],
  );
});
