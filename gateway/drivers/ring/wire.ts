/** What the driver and its child process say to each other, and what Ring's documents about a lock mean. */
import { z } from "zod";

const id = z.string().max(64);
const batterySchema = z.number().int().min(0).max(100);

export const beginSchema = z.strictObject({
  token: z.string().max(16_384),
  /** Makes up the id by which Ring knows this client, where the token names none. */
  systemId: z.string(),
  /** null: all. */
  locations: z.array(id).nullable(),
  pollMs: z.number().int().positive(),
  devices: z.array(z.strictObject({ id, kind: z.enum(["lock", "intercom"]) })),
});
export type Begin = z.infer<typeof beginSchema>;

export const askSchema = z.discriminatedUnion("do", [
  z.strictObject({
    do: z.literal("move"),
    device: id,
    to: z.enum(["released", "secured"]),
    budgetMs: z.number().int().positive(),
  }),
  /** The token told by that number is on the disk. */
  z.strictObject({ do: z.literal("token-kept"), number: z.number().int() }),
]);
export type Ask = z.infer<typeof askSchema>;

/** As a device's result (ports/device.ts). */
export const answerSchema = z.strictObject({
  result: z.enum(["accepted", "confirmed", "refused", "unknown"]),
  why: z.string().max(300).exactOptional(),
});
export type Answer = z.infer<typeof answerSchema>;

export const factsSchema = z.strictObject({
  bolt: z.enum(["released", "secured", "jammed", "unknown"]).exactOptional(),
  battery: batterySchema.exactOptional(),
  tamper: z.boolean().exactOptional(),
});
export type Facts = z.infer<typeof factsSchema>;

export const newsSchema = z.discriminatedUnion("news", [
  /** Ring has taken the token before this one back. Nothing is asked of Ring until it is told that this one is kept. */
  z.strictObject({ news: z.literal("token"), number: z.number().int(), token: z.string().max(16_384) }),
  /** Ring does not take the token: a person has to sign in again. */
  z.strictObject({ news: z.literal("token-refused"), status: z.number().int() }),
  z.strictObject({ news: z.literal("here"), device: id, facts: factsSchema }),
  z.strictObject({ news: z.literal("gone"), device: id, why: z.string().max(300) }),
  /** Nothing of that id is in the account; `known`: what is. */
  z.strictObject({ news: z.literal("absent"), device: id, known: z.string().max(400) }),
]);
export type News = z.infer<typeof newsSchema>;

const documentSchema = z.object({
  general: z.object({ v2: z.record(z.string(), z.unknown()).optional() }).optional(),
  device: z.object({ v1: z.record(z.string(), z.unknown()).optional() }).optional(),
});

/** What is known of a device, in Ring's words; a message holds only what has changed. */
export type RingDocument = Readonly<Record<string, unknown>>;

/** undefined: it is none of a device. */
export function readDocument(body: unknown): (RingDocument & { readonly zid: string }) | undefined {
  const { data } = documentSchema.safeParse(body);
  const flat: Record<string, unknown> = { ...data?.general?.v2, ...data?.device?.v1 };
  return typeof flat.zid === "string" ? { ...flat, zid: flat.zid } : undefined;
}

/** "lock", and for some models "lock." and more. */
export function isLock({ deviceType }: RingDocument): boolean {
  return typeof deviceType === "string" && /^lock($|\.)/.test(deviceType);
}

const bolts: Readonly<Record<string, Facts["bolt"]>> = {
  locked: "secured",
  unlocked: "released",
  jammed: "jammed",
  unknown: "unknown",
};
/** Where it names no percentage. */
const batteryWords: Readonly<Record<string, number>> = { none: 0, low: 5 };

export function factsOf({ locked, batteryLevel, batteryStatus, tamperStatus }: RingDocument): Facts {
  const bolt = bolts[String(locked)];
  const battery = typeof batteryLevel === "number" ? percent(batteryLevel) : batteryWords[String(batteryStatus)];
  return {
    ...(bolt && { bolt }),
    ...(battery !== undefined && { battery }),
    ...(typeof tamperStatus === "string" && { tamper: tamperStatus === "tamper" }),
  };
}

export function percent(level: number): number | undefined {
  return Number.isFinite(level) ? Math.round(Math.min(Math.max(level, 0), 100)) : undefined;
}
