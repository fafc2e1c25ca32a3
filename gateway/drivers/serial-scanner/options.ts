/** What a site file may say about a scanner on a serial port. */
import { z } from "zod";
import { parseDriverOptions } from "../../ports/driver.ts";

/** Makers' commands, such as one that beeps. */
const bytes = z
  .string()
  .regex(/^(?:[0-9A-Fa-f]{2} ?){1,64}$/, "expected 1 to 64 bytes in hexadecimal, such as 07 or 16 54 0D")
  .transform((text) => Buffer.from(text.replaceAll(" ", ""), "hex"));

export const optionsSchema = z
  .strictObject({
    port: z
      .string()
      .regex(/^\/\S{1,299}$/, "expected the path of a serial port, such as /dev/serial/by-id/usb-…")
      .describe("The port, by the name that stays: /dev/serial/by-id/…"),
    model: z
      .enum(["usb-cdc", "gm65"])
      .default("usb-cdc")
      .describe("usb-cdc: any scanner that sends what it reads · gm65: one that also takes the GM65 family's commands"),
    baudRate: z.number().int().min(1_200).max(921_600).default(9_600).describe("No matter on USB-CDC"),
    framing: z
      .enum(["line", "gap"])
      .default("line")
      .describe("line: a frame ends with CR, LF or both · gap: with a pause, for scanners that send no end"),
    gapMs: z.number().int().min(20).max(1_000).default(80).describe("With framing gap: the pause that ends a frame"),
    frameMs: z
      .number()
      .int()
      .min(100)
      .max(10_000)
      .default(1_000)
      .describe("A frame that has not ended so long after its last byte is thrown away"),
    prefix: z
      .string()
      .max(8)
      .default("")
      .describe("What the scanner puts before each code, such as ]Q1; it is taken off where it stands"),
    repeatMs: z
      .number()
      .int()
      .min(0)
      .max(60_000)
      .default(3_000)
      .describe("The same code again counts only when it was not seen for so long"),
    triggerMs: z
      .number()
      .int()
      .min(500)
      .max(60_000)
      .optional()
      .describe("Only gm65 in command mode: it is told to look so often. Absent: it looks by itself"),
    granted: bytes
      .optional()
      .describe("Sent to the scanner when somebody is let in, in hexadecimal; 07 beeps with many"),
    denied: bytes.optional().describe("Sent when somebody is not"),
    lockedOut: bytes.optional().describe("Sent when nobody is for a while; absent: as denied"),
  })
  .refine(({ model, triggerMs }) => triggerMs === undefined || model === "gm65", {
    path: ["triggerMs"],
    message: "is a command of the gm65 family; leave it out with model usb-cdc",
  });
export type Options = z.infer<typeof optionsSchema>;

export function parseOptions(options: unknown): Options {
  return parseDriverOptions(optionsSchema, options);
}
