/** What a site file may say about a relay board on a serial port. */
import { z } from "zod";
import { parseDriverOptions } from "../../ports/driver.ts";

export const optionsSchema = z
  .strictObject({
    port: z
      .string()
      .regex(/^\/\S{1,299}$/, "expected the path of a serial port, such as /dev/serial/by-id/usb-…")
      .describe("The port, by the name that stays: /dev/serial/by-id/…"),
    channel: z.number().int().min(1).max(16).default(1).describe("Which of its relays feeds the strike, from 1"),
    channels: z.number().int().min(1).max(16).default(1).describe("How many relays the board has"),
    status: z
      .enum(["none", "bytes"])
      .default("none")
      .describe(
        "none: the board never answers · bytes: asked with FF it answers one byte for each relay, 01 on, 00 off",
      ),
    baudRate: z.number().int().min(1_200).max(921_600).default(9_600),
    energised: z
      .enum(["releases", "secures"])
      .default("releases")
      .describe("What current does: a strike that it releases (fail-secure), or a magnet that it secures (fail-safe)"),
    pollMs: z
      .number()
      .int()
      .min(500)
      .max(300_000)
      .default(5_000)
      .describe("With status bytes: how often it is asked how its relays stand"),
    deadlineMs: z
      .number()
      .int()
      .min(100)
      .max(5_000)
      .default(1_000)
      .describe("With status bytes: how long the board has to answer"),
  })
  .refine(({ channel, channels, status }) => status === "none" || channel <= channels, {
    path: ["channel"],
    message: "is beyond options.channels; set that to the number of relays on the board",
  });
export type Options = z.infer<typeof optionsSchema>;

export function parseOptions(options: unknown): Options {
  return parseDriverOptions(optionsSchema, options);
}
