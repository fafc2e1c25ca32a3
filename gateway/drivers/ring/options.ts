/** What a site file may say about something at Ring, and its secret. */
import { z } from "zod";
import { GatewayError } from "../../errors.ts";
import { parseDriverOptions } from "../../ports/driver.ts";
import type { SecretString } from "../../wire/secret.ts";

/** Ring's own names; YAML reads an intercom's without quotes as a number. */
const ringId = z.preprocess(
  (value) => (typeof value === "number" ? String(value) : value),
  z.string().regex(/^[\w-]{1,64}$/, "letters, digits, _ and - only, at most 64"),
);
const common = {
  /** A lock's zid, an intercom's number. */
  device: ringId,
  /** Where it is, by Ring's id of the place; left out, it is looked for in all places of the account. */
  location: ringId.optional(),
  /** How long a command may take, with its proof. */
  deadlineMs: z.number().int().min(5_000).max(14_000).default(12_000),
};

export const optionsSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("lock"),
    ...common,
    /** Whether the lock's own auto-lock is on, with a time no longer than the hold time. */
    autoLock: z.boolean().default(false),
  }),
  z.strictObject({
    kind: z.literal("intercom"),
    ...common,
    /** How often it is asked how it is. */
    pollMs: z.number().int().min(5_000).max(3_600_000).default(60_000),
  }),
]);
export type Options = z.infer<typeof optionsSchema>;

export function parseOptions(options: unknown): Options {
  return parseDriverOptions(optionsSchema, options, (key) => (key === "kind" ? "; lock or intercom" : ""));
}

/** The account's refresh token, as ring-auth-cli prints it. */
export function parseToken(secret: SecretString | undefined): SecretString {
  if (secret && /^[\x21-\x7e]{1,8192}$/.test(secret.reveal())) return secret;
  const what = secret ? "is not a refresh token" : "is missing";
  throw new GatewayError(
    "config-invalid",
    `secret "refreshToken" ${what}; make one with: npx -p ring-client-api ring-auth-cli`,
    { key: "refreshToken" },
  );
}
