/** What a site file may say about a Shelly relay. */
import { z } from "zod";
import { parseDriverOptions } from "../../ports/driver.ts";

export const optionsSchema = z.strictObject({
  /** Its address or name on the LAN. */
  host: z.string().min(1).max(253),
  port: z.number().int().min(1).max(65_535).default(80),
  /** Which of its switches feeds the strike. */
  id: z.number().int().min(0).max(15).default(0),
  /** What current does: a strike that it releases (fail-secure), or a magnet or strike that it secures (fail-safe). */
  energised: z.enum(["releases", "secures"]).default("releases"),
  /** Which of its inputs has the door contact. */
  contactInput: z.number().int().min(0).max(15).optional(),
  /** The door while that input is on. */
  contactOn: z.enum(["closed", "open"]).default("closed"),
  /** How often it is asked how it stands. */
  pollMs: z.number().int().min(500).max(300_000).default(5_000),
  /** How long it has to answer. */
  deadlineMs: z.number().int().min(100).max(14_000).default(3_000),
});
export type Options = z.infer<typeof optionsSchema>;

export function parseOptions(options: unknown): Options {
  return parseDriverOptions(optionsSchema, options);
}
