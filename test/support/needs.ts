/** What a test needs from the machine. Where it is missing the test is skipped with the reason; with CI=true run.ts counts that as a failure. */
import { existsSync, globSync } from "node:fs";
import { delimiter, join } from "node:path";

/** Program → the Debian package that brings it. */
export const needed = {
  chromium: "chromium",
  curl: "curl",
  mosquitto: "mosquitto",
  mosquitto_pub: "mosquitto-clients",
  postgres: "postgresql",
  openssl: "openssl",
  socat: "socat",
} as const;
export type Program = keyof typeof needed;

/** The program's path, or undefined. Debian keeps servers out of PATH. */
export function find(program: Program): string | undefined {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", ...globSync("/usr/lib/postgresql/*/bin")];
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path));
}

/** For `test(name, { skip: missing("chromium") }, …)`: false, or why the test cannot run here. */
export function missing(...programs: readonly Program[]): string | false {
  const absent = programs.filter((program) => !find(program));
  return absent.length > 0 && `needs ${absent.map((program) => `${program} (Debian: ${needed[program]})`).join(", ")}`;
}
