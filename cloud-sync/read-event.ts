/** What the service reads of an event: the columns for filters and the facts that have an effect. The rest stays in the body. */
import { z } from "zod";

const wellFormed = (value: string) => value.isWellFormed() && !value.includes("\0");
const word = z.string().max(200).refine(wellFormed, "not text");
const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

const stamp = {
  seq: count,
  at: z.number().int().min(0).max(8.64e15),
};

const sha256 = /^[\da-f]{64}$/;
const code = { device: word, grant: word, credential: word };

/** See GuardScan. */
const scan = z.looseObject({
  staff: word,
  photo: z.string().regex(sha256).optional(),
  sheet: z.string().regex(sha256).optional(),
  waitedMs: count.optional(),
});

const eventSchema = z.discriminatedUnion("type", [
  z.looseObject({
    ...stamp,
    type: z.literal("admitted"),
    accessPoint: word,
    grant: word,
    credential: word,
    via: word,
    left: z.number().int().nullable(),
    scan: scan.optional(),
  }),
  z.looseObject({ ...stamp, type: z.literal("released"), of: count, accessPoint: word, result: word }),
  z.looseObject({ ...stamp, type: z.literal("void"), of: count, accessPoint: word, grant: word, why: word }),
  z.looseObject({
    ...stamp,
    type: z.literal("denied"),
    accessPoint: word,
    reason: word,
    via: word,
    grant: word.optional(),
    credential: word.optional(),
    scan: scan.optional(),
  }),
  z.looseObject({
    ...stamp,
    type: z.literal("turned-away"),
    accessPoint: word,
    grant: word.optional(),
    why: word,
    scan,
  }),
  z.looseObject({
    ...stamp,
    type: z.literal("left"),
    accessPoint: word,
    of: count.optional(),
    grant: word.optional(),
    scan,
  }),
  z.looseObject({
    ...stamp,
    type: z.literal("unanswered"),
    device: word,
    accessPoint: word.optional(),
    why: word,
  }),
  z.looseObject({ ...stamp, type: z.literal("rights-returned"), grant: word, total: count, order: count }),
  z.looseObject({ ...stamp, type: z.literal("rights-sent"), grant: word, to: word, total: count }),
  z.looseObject({ ...stamp, type: z.literal("rights-received"), grant: word, from: word, total: count }),
  z.looseObject({ ...stamp, type: z.literal("command-taken"), command: count, accessPoint: word }),
  z.looseObject({
    ...stamp,
    type: z.literal("command-ended"),
    command: count,
    accessPoint: word,
    result: z.enum(["accepted", "confirmed", "refused", "unknown", "expired"]),
    of: count.optional(),
    reason: word.optional(),
  }),
  z.looseObject({
    ...stamp,
    type: z.literal("host-answered"),
    command: count,
    accessPoint: word,
    question: word,
    approves: z.boolean(),
    staff: word,
    by: word,
  }),
  z.looseObject({ ...stamp, type: z.literal("staff-signed-in"), staff: word }),
  z.looseObject({ ...stamp, type: z.literal("staff-refused"), staff: word.optional(), why: word }),
  z.looseObject({
    ...stamp,
    type: z.literal("staff-command"),
    staff: word,
    accessPoint: word,
    action: word.optional(),
    scan: scan.optional(),
  }),
  z.looseObject({ ...stamp, type: z.literal("staff-command-ended"), of: count, accessPoint: word, result: word }),
  z.looseObject({ ...stamp, type: z.literal("held-open"), accessPoint: word, hold: word, until: count }),
  z.looseObject({ ...stamp, type: z.literal("hold-ended"), accessPoint: word, hold: word, reason: word }),
  z.looseObject({ ...stamp, type: z.literal("relock-failed"), accessPoint: word }),
  z.looseObject({ ...stamp, ...code, type: z.literal("code-sent"), change: z.enum(["set", "clear"]) }),
  z.looseObject({
    ...stamp,
    ...code,
    type: z.literal("code-answered"),
    result: z.enum(["accepted", "refused", "unknown"]),
  }),
  z.looseObject({
    ...stamp,
    ...code,
    type: z.literal("code-read"),
    change: z.enum(["set", "clear"]),
    state: z.enum(["present", "absent"]),
  }),
  z.looseObject({ ...stamp, ...code, type: z.literal("code-missing"), why: word }),
  z.looseObject({ ...stamp, type: z.literal("relocked"), accessPoint: word }),
  ...(["bolt", "door", "tamper", "battery", "presence", "boot-doubted", "opened-at-lock", "codes-stuck"] as const).map(
    (type) => z.looseObject({ ...stamp, type: z.literal(type), device: word }),
  ),
  ...(["pin-guessing", "pass-guessing", "boot", "damage", "checksum-mismatch"] as const).map((type) =>
    z.looseObject({ ...stamp, type: z.literal(type) }),
  ),
]);
export type ReadEvent = z.infer<typeof eventSchema>;
export type ReadScan = z.infer<typeof scan>;

/** What a guard did at it, where a guard did. */
export function scanOf(event: ReadEvent): ReadScan | undefined {
  switch (event.type) {
    case "admitted":
    case "denied":
    case "turned-away":
    case "left":
    case "staff-command":
      return event.scan;
    default:
      return undefined;
  }
}

/** The events this version knows, for filters. */
export const eventTypes = eventSchema.options.flatMap((option) => [...option.shape.type.values]);

/** The event in these bytes, or why it cannot be read. Never throws. `text` is there whenever the bytes are text. */
export function readEvent(
  bytes: Uint8Array,
  seq: number,
): { readonly text: string | undefined } & (
  | { readonly event: ReadEvent; readonly why?: undefined }
  | { readonly event?: undefined; readonly why: string }
) {
  const text = decode(bytes);
  if (text === undefined) return { text, why: "the bytes are not text" };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { text, why: "the text is not JSON" };
  }
  const parsed = eventSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return { text, why: `${issue?.path.join(".") || "event"}: ${issue?.message ?? "not an event"}`.slice(0, 300) };
  }
  if (parsed.data.seq !== seq) return { text, why: `numbered ${parsed.data.seq}, stands at ${seq}` };
  return { text, event: parsed.data };
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return text.includes("\0") ? undefined : text;
  } catch {
    return undefined;
  }
}
