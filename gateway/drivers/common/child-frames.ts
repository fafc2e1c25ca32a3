/** What a gateway and a child process of its own say to each other: one JSON object a line, each bounded, each checked by both sides. */
import { z } from "zod";

/** Of one line, either way. */
export const frameBytesMax = 64 * 1024;

/** How often a child says that it lives. */
export const beatMs = 1_000;

/** To the child. `begin` comes first, and once; it may hold secrets, which therefore stand on no command line and in no environment. */
export const orderSchema = z.discriminatedUnion("order", [
  z.strictObject({ order: z.literal("begin"), begin: z.unknown() }),
  z.strictObject({ order: z.literal("ask"), id: z.number().int(), ask: z.unknown() }),
  /** It finishes what must not be left half done, and ends. */
  z.strictObject({ order: z.literal("end") }),
]);
export type Order = z.infer<typeof orderSchema>;

const logFieldSchema = z.union([z.string().max(500), z.number(), z.boolean()]);

/** From the child. */
export const wordSchema = z.discriminatedUnion("word", [
  z.strictObject({ word: z.literal("ready") }),
  /** `rss`: bytes of memory it has. */
  z.strictObject({ word: z.literal("beat"), rss: z.number().int().nonnegative() }),
  z.strictObject({ word: z.literal("answer"), id: z.number().int(), answer: z.unknown() }),
  z.strictObject({ word: z.literal("news"), news: z.unknown() }),
  z.strictObject({
    word: z.literal("log"),
    level: z.enum(["debug", "info", "warn", "error"]),
    event: z.string().regex(/^[a-z][a-z0-9-]{0,59}$/),
    fields: z.record(z.string().max(40), logFieldSchema).optional(),
  }),
  /** It ends by itself. `awayMs`: not to be started again before. */
  z.strictObject({
    word: z.literal("end"),
    why: z.string().max(300),
    awayMs: z
      .number()
      .int()
      .min(0)
      .max(24 * 3_600_000),
  }),
]);
export type Word = z.infer<typeof wordSchema>;

/** undefined: it is none. */
export function readFrame<Frame>(schema: z.ZodType<Frame>, line: string): Frame | undefined {
  try {
    return schema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

export function frameOf(message: Order | Word): string {
  return `${JSON.stringify(message)}\n`;
}
