/** Reads the imports and fails when an arrow points the wrong way. ARCHITECTURE.md says why each arrow is what it is. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "..");

/** Part → the parts it may import. A part is the longest of these prefixes that fits a file. */
const arrows: Record<string, readonly string[]> = {
  "gateway/domain": [],
  "gateway/errors.ts": [],
  "gateway/ports": ["gateway/domain", "gateway/wire", "gateway/errors.ts"],
  "gateway/wire": ["gateway/domain", "gateway/errors.ts"],
  "gateway/system-clock.ts": ["gateway/ports"],
  "gateway/flows": ["gateway/domain", "gateway/ports", "gateway/errors.ts", "gateway/wire"],
  "gateway/drivers": ["gateway/drivers/common", "gateway/domain", "gateway/ports", "gateway/wire", "gateway/errors.ts"],
  "gateway/drivers/common": ["gateway/domain", "gateway/ports", "gateway/wire", "gateway/errors.ts"],
  "gateway/storage": ["gateway/domain", "gateway/ports", "gateway/wire", "gateway/errors.ts"],
  "gateway/sync": ["gateway/domain", "gateway/ports", "gateway/wire", "gateway/errors.ts"],
  "gateway/broker": ["gateway/domain", "gateway/ports", "gateway/wire", "gateway/errors.ts"],
  "gateway/lan": ["gateway/domain", "gateway/ports", "gateway/wire", "gateway/errors.ts"],
  "gateway/http": ["gateway/domain", "gateway/ports", "gateway/wire", "gateway/errors.ts", "gateway/flows", "web"],
  gateway: ["gateway", "config", "web"],
  config: [],
  web: [],
  "cloud-sync": ["gateway/wire", "gateway/domain", "gateway/ports", "gateway/system-clock.ts", "config", "web"],
  "firmware-sim": ["gateway/wire", "gateway/ports", "gateway/system-clock.ts", "config", "web"],
  cli: ["gateway", "cloud-sync", "firmware-sim", "config", "web"],
  test: ["gateway", "cloud-sync", "firmware-sim", "config", "web", "cli"],
};
/** Drivers do not know each other; one table names them all. */
const driverTable = "gateway/drivers/index.ts";

const parts = Object.keys(arrows).sort((a, b) => b.length - a.length);
const partOf = (file: string) => parts.find((part) => file === part || file.startsWith(`${part}/`));

const files = globSync("{cli,config,gateway,cloud-sync,firmware-sim,web,test}/**/*.{ts,tsx}", { cwd: root });

test("every import follows an arrow of the architecture", () => {
  const wrong = files.flatMap((file) =>
    importsOf(file).flatMap((target) => {
      const [from, to] = [partOf(file), partOf(target)];
      if (from === undefined || to === undefined)
        return [`${file} → ${target}: a folder the architecture does not know`];
      if (file === driverTable) return [];
      const inside = from === to && !(from === "gateway/drivers" && driverOf(file) !== driverOf(target));
      return inside || arrows[from]?.some((allowed) => allowed === to || to.startsWith(`${allowed}/`))
        ? []
        : [`${file} → ${target}`];
    }),
  );
  assert.deepEqual(wrong, []);
});

test("the domain imports no package, asks no clock and rolls no dice", () => {
  const impure = /\bDate\.now\(|new Date\(|Math\.random\(|Temporal\.Now|set(Timeout|Interval|Immediate)\(|from "(?!\.)/;
  const wrong = files.filter((file) => file.startsWith("gateway/domain/") || file.startsWith("cloud-sync/domain/"));
  assert.deepEqual(
    wrong.filter((file) => impure.test(readFileSync(join(root, file), "utf8"))),
    [],
  );
});

test("only system-clock.ts asks the system for time", () => {
  const asks = /\bDate\.now\(|performance\.now\(|Temporal\.Now/;
  const wrong = files.filter(
    (file) => /^(gateway|cloud-sync|firmware-sim)\//.test(file) && file !== "gateway/system-clock.ts",
  );
  assert.deepEqual(
    wrong.filter((file) => asks.test(readFileSync(join(root, file), "utf8"))),
    [],
  );
});

test("the tests throw no dice but those that a seed repeats", () => {
  const imports = /^import .* from "fast-check"/m;
  const wrong = files.filter(
    (file) => file.startsWith("test/") && imports.test(readFileSync(join(root, file), "utf8")),
  );
  assert.deepEqual(wrong, ["test/support/fast-check.ts"]);
});

function importsOf(file: string): string[] {
  const source = readFileSync(join(root, file), "utf8");
  return [...source.matchAll(/(?:from|import\()\s*"(\.{1,2}\/[^"]+)"/g)].map((match) =>
    normalize(join(dirname(file), match[1]!)),
  );
}

function driverOf(file: string): string {
  return file.split("/")[2] ?? "";
}
