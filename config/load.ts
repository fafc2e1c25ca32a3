/** Reads a configuration file, finds everything that is wrong with it at once, and adds the secrets. */
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { z } from "zod";
import { ConfigError, type ConfigFault, pathText } from "./config-error.ts";
import { crossChecks } from "./cross-checks.ts";
import { faultsOf } from "./faults.ts";
import { type CloudFile, cloudFileSchema, type GatewayFile, gatewayFileSchema } from "./schema.ts";
import { environmentName, isSecretName } from "./secret-names.ts";
import { type Environment, loadSecrets, type Secrets } from "./secrets.ts";
import { parseYaml, type YamlFile } from "./yaml-file.ts";

export interface LoadOptions {
  /** Takes the place of the file's `data`; relative to the working folder. */
  readonly data?: string | undefined;
  readonly environment?: Environment;
}

export interface GatewayConfig {
  /** As the file says, defaults filled in, paths absolute. */
  readonly settings: GatewayFile;
  readonly secrets: Secrets;
  /** For faults that others find in it. */
  readonly lineOf: YamlFile["lineOf"];
}

/** Throws ConfigError with every fault found. */
export async function loadGatewayConfig(
  file: string,
  { data, environment = process.env }: LoadOptions = {},
): Promise<GatewayConfig> {
  const yaml = await readYaml(file);
  const parsed = gatewayFromYaml(yaml);
  const inFolder = (path: string) => resolve(dirname(file), path);
  const settings = {
    ...parsed,
    data: data === undefined ? inFolder(parsed.data) : resolve(data),
    secretsFile: parsed.secretsFile && inFolder(parsed.secretsFile),
    cloud: { ...parsed.cloud, caFile: parsed.cloud.caFile && inFolder(parsed.cloud.caFile) },
  };
  const devices = settings.devices.map(({ id }) => id);
  return { settings, secrets: await loadSecrets(settings.secretsFile, devices, environment), lineOf: yaml.lineOf };
}

/** The gateway's file without its surroundings: no secrets, paths as written. */
export function gatewayFromYaml(yaml: YamlFile): GatewayFile {
  return parse(yaml, gatewayFileSchema, crossChecks);
}

export interface CloudConfig {
  readonly settings: CloudFile;
  /** From DATABASE_URL, the only place for it because it holds a password; undefined: the embedded store below `data`. */
  readonly databaseUrl: () => string | undefined;
  /** From POSTERN_MAIL_PASSWORD. */
  readonly mailPassword: () => string | undefined;
  /** From POSTERN_ONESIGNAL_KEY. */
  readonly oneSignalKey: () => string | undefined;
  /** From POSTERN_TWILIO_TOKEN and POSTERN_META_…; those that the settings need are there. */
  readonly guestSecret: (name: GuestSecret) => string | undefined;
}

const guestSecrets = {
  twilio: ["POSTERN_TWILIO_TOKEN"],
  meta: ["POSTERN_META_TOKEN", "POSTERN_META_APP_SECRET", "POSTERN_META_VERIFY_TOKEN"],
} as const;
export type GuestSecret = (typeof guestSecrets)[keyof typeof guestSecrets][number];
/** It is all that keeps strangers from the webhook's address. */
const verifyToken = /^[\w-]{16,128}$/;

const cloudDefaults = "data: ./data/cloud";

/** Without a file: everything at its default, data below ./data/cloud. Throws ConfigError with every fault found. */
export async function loadCloudConfig(
  file: string | undefined,
  { data, environment = process.env }: LoadOptions = {},
): Promise<CloudConfig> {
  const parsed = cloudFromYaml(file === undefined ? parseYaml("defaults", cloudDefaults) : await readYaml(file));
  const databaseUrl = environment.DATABASE_URL || undefined;
  if (databaseUrl !== undefined && !/^postgres(ql)?:\/\//.test(databaseUrl)) {
    const message = "expected postgres://user:password@host:port/database";
    throw new ConfigError([{ file: "environment", path: "DATABASE_URL", message }]);
  }
  const mailPassword = environment.POSTERN_MAIL_PASSWORD || undefined;
  if (parsed.mail?.user !== undefined && mailPassword === undefined) {
    const message = `is needed: mail.user signs in as ${parsed.mail.user}`;
    throw new ConfigError([{ file: "environment", path: "POSTERN_MAIL_PASSWORD", message }]);
  }
  const oneSignalKey = environment.POSTERN_ONESIGNAL_KEY || undefined;
  if (parsed.notify.oneSignal && oneSignalKey === undefined) {
    const message = "is needed: notify.oneSignal sends by it (Keys & IDs in OneSignal's settings)";
    throw new ConfigError([{ file: "environment", path: "POSTERN_ONESIGNAL_KEY", message }]);
  }
  for (const service of ["twilio", "meta"] as const)
    for (const name of parsed.guests[service] ? guestSecrets[service] : [])
      if (!environment[name])
        throw new ConfigError([
          { file: "environment", path: name, message: `is needed: guests.${service} sends by it` },
        ]);
  if (parsed.guests.meta && !verifyToken.test(environment.POSTERN_META_VERIFY_TOKEN ?? "")) {
    const message = "expected 16 to 128 letters, digits, - and _, of your own making";
    throw new ConfigError([{ file: "environment", path: "POSTERN_META_VERIFY_TOKEN", message }]);
  }
  const folder = file === undefined ? "." : dirname(file);
  const mail = parsed.mail && { ...parsed.mail, caFile: parsed.mail.caFile && resolve(folder, parsed.mail.caFile) };
  return {
    settings: { ...parsed, mail, data: resolve(data ?? resolve(folder, parsed.data)) },
    databaseUrl: () => databaseUrl,
    mailPassword: () => mailPassword,
    oneSignalKey: () => oneSignalKey,
    guestSecret: (name) => environment[name] || undefined,
  };
}

export function cloudFromYaml(yaml: YamlFile): CloudFile {
  return parse(yaml, cloudFileSchema, () => []);
}

function parse<S extends z.ZodType>(
  yaml: YamlFile,
  schema: S,
  check: (value: z.output<S>) => readonly { readonly path: readonly PropertyKey[]; readonly message: string }[],
): z.output<S> {
  const misplaced = misplacedSecrets(yaml.value);
  const parsed = schema.safeParse(yaml.value);
  const secretPaths = new Set(misplaced.map(({ path }) => pathText(path)));
  const faults: ConfigFault[] = [
    ...located(yaml, misplaced),
    ...(parsed.success
      ? located(yaml, check(parsed.data))
      : faultsOf(yaml, schema, parsed.error.issues).filter(({ path }) => !secretPaths.has(path))),
  ];
  if (faults.length > 0 || !parsed.success) {
    throw new ConfigError(faults.sort((a, b) => (a.line ?? 0) - (b.line ?? 0)));
  }
  return parsed.data;
}

function located(
  yaml: YamlFile,
  found: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[],
): ConfigFault[] {
  return found.map(({ path, message }) => ({
    file: yaml.file,
    line: yaml.lineOf(path),
    path: pathText(path),
    message,
  }));
}

interface Misplaced {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** Keys that are named like a secret, wherever they stand. */
function misplacedSecrets(root: unknown): Misplaced[] {
  const found: Misplaced[] = [];
  // YAML's aliases can make a value contain itself.
  const seen = new Set<object>();
  const walk = (value: unknown, path: readonly PropertyKey[]): void => {
    if (typeof value !== "object" || value === null || seen.has(value)) return;
    seen.add(value);
    if (Array.isArray(value)) {
      for (const [index, item] of value.entries()) walk(item, [...path, index]);
      return;
    }
    for (const [key, inner] of Object.entries(value)) {
      const at = [...path, key];
      if (key === "databaseUrl") found.push({ path: at, message: "set the environment variable DATABASE_URL instead" });
      else if (isSecretName(key)) found.push({ path: at, message: whereItBelongs(root, at) });
      else walk(inner, at);
    }
  };
  walk(root, []);
  return found;
}

function whereItBelongs(root: unknown, path: readonly PropertyKey[]): string {
  const [list, index, , name] = path;
  const devices = (root as { readonly devices?: unknown }).devices;
  const device: unknown = list === "devices" && Array.isArray(devices) ? devices[Number(index)] : undefined;
  const id = (device as { readonly id?: unknown } | null | undefined)?.id;
  const start = "secrets do not belong in this file; put it into the secrets file (mode 0600)";
  const key = String(name ?? path.at(-1));
  if (typeof id !== "string" || !/^[A-Za-z0-9_-]{1,64}$/.test(id)) return `${start} or into the environment`;
  return `${start} as devices: ${id}: ${key}: or into the environment as ${environmentName(["devices", id, key])}`;
}

async function readYaml(file: string): Promise<YamlFile> {
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    const message =
      error.code === "ENOENT"
        ? "the configuration does not exist; check how its path is written"
        : `the configuration cannot be read (${error.code ?? "unknown reason"})`;
    throw new ConfigError([{ file, path: "", message }]);
  });
  return parseYaml(file, text);
}
