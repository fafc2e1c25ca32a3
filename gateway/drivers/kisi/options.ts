/** What a site file may say about a door of Kisi. */
import { z } from "zod";
import { parseDriverOptions } from "../../ports/driver.ts";
import { webPlace } from "../common/web-place.ts";

export const optionsSchema = z.strictObject({
  /** The lock's number at Kisi; a door is a lock there. */
  lockId: z.number().int().positive(),
  /** The group in which the gateway lets members open the door; of this door alone. Without it nobody is let in by the gateway there. */
  groupId: z.number().int().positive().optional(),
  /** With so many roles in the group, whoever gave them, no more are given. */
  codesMax: z.number().int().min(1).max(2_000).default(500),
  /** By which verb a role is changed: the one in the maker's description, or the other where an account refuses it. */
  changeVerb: z.enum(["PATCH", "PUT"]).default("PATCH"),
  /** Where Kisi answers; another address for trials with the simulator. */
  url: webPlace("https://api.kisi.io").default("https://api.kisi.io"),
  /** How often the door's state is read. */
  pollMs: z.number().int().min(5_000).max(3_600_000).default(30_000),
  /** The same after a command. */
  pollBusyMs: z.number().int().min(500).max(60_000).default(1_000),
  /** How often it is asked who opened; all doors of a key together do so every 15 s at most. */
  eventsMs: z.number().int().min(15_000).max(3_600_000).default(60_000),
  /** How long a request may take; a command with its proof as well. */
  deadlineMs: z.number().int().min(1_000).max(14_000).default(12_000),
});
export type Options = z.infer<typeof optionsSchema>;

export function parseOptions(options: unknown): Options {
  return parseDriverOptions(optionsSchema, options);
}

export const secretNeeds = {
  // It goes into a header as it is.
  apiKey: {
    pattern: /^[\x21-\x7e]{1,512}$/,
    where: "make one at web.kisi.io, menu API, as an administrator or owner of the organisation",
  },
} as const;
