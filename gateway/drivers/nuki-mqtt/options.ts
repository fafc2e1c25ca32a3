/** What a site file may say about a Nuki on the site's own broker. */
import { z } from "zod";
import { parseDriverOptions } from "../../ports/driver.ts";
import { openingsOnBatteries, openingsPerWeek, zoneName } from "../common/hours-options.ts";

const hubSchema = z.strictObject({
  /** Begins its topics, as set at the hub. */
  topic: z
    .string()
    .regex(
      /^[A-Za-z0-9_-]+(\/[A-Za-z0-9_-]+){0,2}$/,
      "must be up to three levels of letters, digits, _ and -, such as nukihub",
    )
    .default("nukihub"),
  /** Of the lock's wall clock, by which it keeps the windows of its codes. */
  timeZone: zoneName,
  /** Whether TLS is switched on at the hub. */
  tls: z.boolean().default(false),
  /** How many keypad codes the hub is set to list: it cannot change what it does not list. */
  codesMax: z.number().int().min(2).max(200).default(10),
  /** How often a week a code whose hours the lock cannot keep may be written for an opening. */
  openingsPerWeekMax: openingsPerWeek(openingsOnBatteries),
  /** How long a list or a change may take: the hub tries several times over Bluetooth. */
  keypadMs: z.number().int().min(10_000).max(110_000).default(60_000),
});
export type HubOptions = z.infer<typeof hubSchema>;

export const optionsSchema = z
  .strictObject({
    /** The lock's ID in hex, as the Nuki app shows it; for the MQTT of the lock itself. */
    id: z
      .string()
      .regex(/^[0-9A-Fa-f]{1,8}$/, "must be the lock's ID in hex, such as 1A2B3C4D")
      .transform((id) => id.toUpperCase())
      .optional(),
    /** For a Nuki Hub in its place. */
    hub: hubSchema.optional(),
    /** Whether a release pulls the latch, too: needed where the door has a knob outside. */
    unlatch: z.boolean().default(true),
    /** Whether the lock's own auto lock is switched on, with a time no longer than the hold time. */
    autoLock: z.boolean().default(false),
    /** How long a command may take with its proof, motor included. */
    deadlineMs: z.number().int().min(20_000).max(60_000).default(25_000),
  })
  .refine(({ id, hub }) => (id === undefined) !== (hub === undefined), {
    path: ["id"],
    error: "either id, for the lock's own MQTT, or hub, for a Nuki Hub, must be there, and not both",
  });
export type Options = z.infer<typeof optionsSchema>;

export function parseOptions(options: unknown): Options {
  return parseDriverOptions(optionsSchema, options);
}
