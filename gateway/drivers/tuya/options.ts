/** What a site file may say about a Tuya lock, and its secrets. */
import { z } from "zod";
import { GatewayError } from "../../errors.ts";
import type { DriverContext } from "../../ports/driver.ts";
import { parseDriverOptions } from "../../ports/driver.ts";
import type { SecretString } from "../../wire/secret.ts";
import { cloudSchema } from "./cloud/options.ts";
import type { Version } from "./library.ts";
import { type Profile, profileSchema, profiles } from "./profiles.ts";

const versions = ["3.1", "3.3", "3.4", "3.5"] as const satisfies readonly Version[];
const named: Readonly<Record<string, Profile>> = profiles;
const id = z.string().regex(/^[\w-]{1,64}$/, "letters, digits, _ and - only, at most 64");

export const optionsSchema = z
  .strictObject({
    /** Address or name on the local network: of the lock, or of the gateway it hangs on. */
    host: z.string().min(1).max(253),
    port: z.number().int().min(1).max(65_535).default(6668),
    /** Of the LAN protocol. YAML reads 3.4 without quotes as a number. */
    version: z.preprocess((value) => (typeof value === "number" ? String(value) : value), z.enum(versions)),
    /** Of what answers at the address: the lock, or its gateway. */
    deviceId: id,
    /** The lock behind a gateway: its node id there. */
    cid: id.optional(),
    /** The name of a profile, or a profile of its own. */
    profile: z.preprocess(
      (value) => (typeof value === "string" && Object.hasOwn(named, value) ? named[value] : value),
      profileSchema,
    ),
    /** How long the gateway waits for what a command does, for a session and for an answer. */
    deadlineMs: z.number().int().min(500).max(14_000).default(4_000),
    /** Between two requests on one connection. */
    commandGapMs: z.number().int().min(20).max(1_000).default(50),
    /** Where the lock's temporary passwords are kept. Without it no codes are, and nothing leaves the local network. */
    cloud: cloudSchema.optional(),
  })
  .refine(({ cloud, profile }) => !cloud || profile.codes, {
    path: ["profile", "codes"],
    message: "a lock with a cloud needs the number of digits of its passwords",
  })
  .refine(({ cloud, cid }) => !cloud || cloud.deviceId !== undefined || cid === undefined, {
    path: ["cloud", "deviceId"],
    message: "a lock behind a gateway has a device id of its own in the cloud",
  });

export type Options = z.infer<typeof optionsSchema>;

export function parseOptions(options: unknown): Options {
  const known = `; a profile of its own, or one of ${Object.keys(named).join(", ")}`;
  return parseDriverOptions(optionsSchema, options, (key) => (key === "profile" ? known : ""));
}

export interface Keys {
  readonly localKey: SecretString;
  /** Present where the profile opens with it. */
  readonly remoteKey?: SecretString;
  /** Of the cloud project; present where the options name a cloud. */
  readonly accessSecret?: SecretString;
}

export function readKeys(
  { secret }: Pick<DriverContext, "secret">,
  { profile, cloud }: Pick<Options, "profile" | "cloud">,
): Keys {
  const required = (name: keyof Keys, length: number) => requireKey(name, secret(name), length);
  return {
    localKey: required("localKey", 16),
    ...(profile.unlock.by === "remote-key" && { remoteKey: required("remoteKey", 8) }),
    ...(cloud && { accessSecret: required("accessSecret", 32) }),
  };
}

function requireKey(name: string, key: SecretString | undefined, length: number): SecretString {
  if (key && new RegExp(`^[\\x21-\\x7e]{${length}}$`).test(key.reveal())) return key;
  const what = key ? `is not ${length} printable characters` : "is missing";
  throw new GatewayError(
    "config-invalid",
    `secret "${name}" ${what}; gateway/drivers/tuya/README.md says where it is found`,
    {
      key: name,
    },
  );
}
