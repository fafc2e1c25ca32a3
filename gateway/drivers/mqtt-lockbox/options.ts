/** What a site file may say about a lockbox. */
import { z } from "zod";
import { GatewayError } from "../../errors.ts";
import { parseDriverOptions } from "../../ports/driver.ts";
import type { SecretString } from "../../wire/secret.ts";

const minute = 60_000;

export const optionsSchema = z.strictObject({
  /** What of a box is there to read: a keypad, a QR scanner, a card reader. */
  reads: z
    .array(z.enum(["pin", "pass", "card"]))
    .min(1)
    .default(["pin", "pass", "card"]),
  /** How often the box says that it lives; two missed and it is offline. The box is told. */
  heartbeatMs: z
    .number()
    .int()
    .min(1_000)
    .max(3_600_000)
    .default(5 * minute),
  /** How often the box reports its battery when nothing changes. The box is told. */
  batteryMs: z
    .number()
    .int()
    .min(1_000)
    .max(86_400_000)
    .default(360 * minute),
  /** How long a command may be under way, on the box's own clock; later it is refused by the box. */
  commandTtlMs: z.number().int().min(500).max(30_000).default(5_000),
  /** How long the gateway waits for the box's reply. */
  replyDeadlineMs: z.number().int().min(100).max(14_000).default(4_000),
  /** How long a box that lost its connection may take to come back before it is offline. */
  reconnectGraceMs: z.number().int().min(0).max(300_000).default(10_000),
});
export type Options = z.infer<typeof optionsSchema>;

export function parseOptions(options: unknown): Options {
  return parseDriverOptions(optionsSchema, options);
}

/** The key that signs the box's commands: 32 bytes, base64url. */
export function parseKey(secret: SecretString | undefined): Uint8Array {
  const text = secret?.reveal() ?? "";
  const key = Buffer.from(text, "base64url");
  if (key.length === 32 && /^[\w-]+=?$/.test(text)) return key;
  const what = secret ? "is not 32 bytes in base64url" : "is missing";
  throw new GatewayError(
    "config-invalid",
    `secret "key" ${what}; make one: openssl rand -base64 32 | tr '+/' '-_' | tr -d =`,
    {
      key: "key",
    },
  );
}
