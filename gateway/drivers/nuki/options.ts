/** What a site file may say about a Nuki. */
import { z } from "zod";
import { GatewayError } from "../../errors.ts";
import { parseDriverOptions } from "../../ports/driver.ts";
import type { SecretString } from "../../wire/secret.ts";
import { openingsOnBatteries, openingsPerWeek, zoneName } from "../common/hours-options.ts";
import { webPlace } from "../common/web-place.ts";

export const optionsSchema = z.strictObject({
  /** The lock's number at Nuki Web. */
  smartlockId: z.number().int().positive(),
  /** Where Nuki Web answers; another address for trials with the simulator. */
  url: webPlace("https://api.nuki.io").default("https://api.nuki.io"),
  /** How often the lock's state and log are read. */
  pollMs: z.number().int().min(5_000).max(3_600_000).default(60_000),
  /** The same after a command, until the bolt had time to move there and back. */
  pollBusyMs: z.number().int().min(1_000).max(60_000).default(2_000),
  /** How long a request may take; a command with its proof as well. */
  deadlineMs: z.number().int().min(1_000).max(14_000).default(10_000),
  /** Whether a release pulls the latch, too: needed where the door has a knob outside. */
  unlatch: z.boolean().default(true),
  /** Whether the lock's own auto lock is switched on, with a time no longer than the hold time. */
  autoLock: z.boolean().default(false),
  /** How many keypad codes it holds: 200 from Smart Lock 3.0 on, 100 before. */
  codesMax: z.union([z.literal(100), z.literal(200)]).default(200),
  /** Of the lock's wall clock, by which it keeps weekly hours; left out, it is given none to keep. */
  timeZone: zoneName.optional(),
  /** How often a week a code whose hours the lock cannot keep may be written for an opening. */
  openingsPerWeekMax: openingsPerWeek(openingsOnBatteries),
});
export type Options = z.infer<typeof optionsSchema>;

export function parseOptions(options: unknown): Options {
  return parseDriverOptions(optionsSchema, options);
}

/** The API token of the account, as Nuki Web shows it once. */
export function parseToken(secret: SecretString | undefined): SecretString {
  // It goes into a header as it is.
  if (secret && /^[\x21-\x7e]{1,512}$/.test(secret.reveal())) return secret;
  const what = secret ? "is not an API token" : "is missing";
  throw new GatewayError(
    "config-invalid",
    `secret "token" ${what}; make one at web.nuki.io, menu API, with the right to see and operate locks and to manage codes`,
    { key: "token" },
  );
}
