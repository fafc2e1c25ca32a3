/**
 * Secrets come from the environment or from a file only its owner can read, never from the configuration. The environment wins.
 * The variable of a secret: POSTERN_SECRET_ and its path in the secrets file, in capitals, joined by _, with every character that
 * is no letter or digit written as _:  devices: box-1: key:  →  POSTERN_SECRET_DEVICES_BOX_1_KEY
 */
import { open } from "node:fs/promises";
import { join, resolve } from "node:path";
import { ConfigError, type ConfigFault, pathText } from "./config-error.ts";
import { faultsOf } from "./faults.ts";
import { nearest } from "./nearest.ts";
import { type SecretsFile, secretsFileSchema } from "./schema.ts";
import { environmentName, secretPrefix } from "./secret-names.ts";
import { parseYaml, type YamlFile } from "./yaml-file.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Hides what it holds when printed; the caller wraps what it takes out. */
export class Secrets {
  readonly #file: SecretsFile;
  readonly #environment: ReadonlyMap<string, string>;

  constructor(file: SecretsFile, environment: Environment) {
    this.#file = file;
    this.#environment = new Map(
      Object.entries(environment).flatMap(([name, value]) =>
        name.startsWith(secretPrefix) && value ? [[name, value]] : [],
      ),
    );
  }

  /** undefined when neither the environment nor the file has it. */
  ofDevice(device: string, name: string): string | undefined {
    const fromFile = Object.hasOwn(this.#file.devices, device) ? this.#file.devices[device]! : {};
    return (
      this.#environment.get(environmentName(["devices", device, name])) ??
      (Object.hasOwn(fromFile, name) ? fromFile[name] : undefined)
    );
  }

  /** Names of variables that belong to none of these devices: most likely mistyped. */
  strayVariables(devices: readonly string[]): string[] {
    const known = devices.map((id) => `${environmentName(["devices", id])}_`);
    return [...this.#environment.keys()].filter((name) => !known.some((start) => name.startsWith(start)));
  }
}

/**
 * Reads the secrets of a gateway with these devices. The file: POSTERN_SECRETS_FILE, else `configured`, else secrets.yaml in the
 * folder of systemd credentials ($CREDENTIALS_DIRECTORY), else none. Throws ConfigError.
 */
export async function loadSecrets(
  configured: string | undefined,
  devices: readonly string[],
  environment: Environment,
): Promise<Secrets> {
  const credentials = environment.CREDENTIALS_DIRECTORY;
  const named = environment.POSTERN_SECRETS_FILE ? resolve(environment.POSTERN_SECRETS_FILE) : configured;
  const file = named ?? (credentials && join(credentials, "secrets.yaml"));
  const text =
    file === undefined ? undefined : await readPrivate(file, { mustExist: named !== undefined, credentials });
  const yaml = text === undefined ? undefined : parseYaml(file!, text);
  const parsed = secretsFileSchema.safeParse(yaml?.value ?? {});
  if (!parsed.success) throw new ConfigError(faultsOf(yaml!, secretsFileSchema, parsed.error.issues, true));
  const secrets = new Secrets(parsed.data, environment);
  const faults = [
    ...(yaml ? strayDevices(yaml, parsed.data, devices) : []),
    ...secrets.strayVariables(devices).map((name) => ({
      file: "environment",
      path: name,
      message: `belongs to no device of this configuration; expected ${environmentName(["devices", "ID", "NAME"])}`,
    })),
  ];
  if (faults.length > 0) throw new ConfigError(faults);
  return secrets;
}

function strayDevices(yaml: YamlFile, { devices }: SecretsFile, known: readonly string[]): ConfigFault[] {
  return Object.keys(devices)
    .filter((id) => !known.includes(id))
    .map((id) => {
      const path = ["devices", id];
      const near = nearest(id, known);
      const message = `no device of the configuration has this id; ${near ? `did you mean ${near}?` : "remove it"}`;
      return { file: yaml.file, line: yaml.lineOf(path), path: pathText(path), message };
    });
}

/** undefined when it is absent and may be. systemd guards its credentials folder itself and sets modes of its own there. */
async function readPrivate(
  file: string,
  { mustExist, credentials }: { readonly mustExist: boolean; readonly credentials: string | undefined },
): Promise<string | undefined> {
  const fail = (message: string) => new ConfigError([{ file, path: "", message }]);
  const handle = await open(file, "r").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" && !mustExist) return undefined;
    if (error.code === "ENOENT") throw fail("the secrets file does not exist; check how its path is written");
    throw fail(`the secrets file cannot be read (${error.code})`);
  });
  if (!handle) return undefined;
  try {
    const facts = await handle.stat();
    if (!facts.isFile()) throw fail("the secrets file is not a file");
    const guarded = credentials !== undefined && file.startsWith(join(credentials, "/"));
    if (!guarded && (facts.mode & 0o077) !== 0) {
      const mode = (facts.mode & 0o777).toString(8).padStart(4, "0");
      throw fail(`others than its owner can read the secrets file (mode ${mode}); run: chmod 600 ${file}`);
    }
    return await handle.readFile("utf8");
  } finally {
    await handle.close();
  }
}
