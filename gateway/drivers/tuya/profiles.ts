/**
 * How kinds of Tuya locks differ, as data: which data point (DP) does what. Ids of the families as the makers and users name them; a
 * product may differ, so a site file can bring a profile of its own.
 */
import { z } from "zod";

const dp = z.number().int().min(1).max(255);
const value = z.union([z.boolean(), z.number(), z.string().max(64)]);
const openedBy = z.enum(["code", "card", "fingerprint", "key", "hand", "app"]);

export const profileSchema = z
  .strictObject({
    unlock: z.discriminatedUnion("by", [
      /** One DP takes a value. */
      z.strictObject({ by: z.literal("write"), dp, value }),
      /** Someone asks at the lock: `request` counts the seconds down, and `dp` approves while it does. `opened` tells that it then opened. */
      z.strictObject({ by: z.literal("approval"), dp, request: dp, opened: dp.optional() }),
      /** A raw DP takes the lock's remote key, eight characters, in the name of a member. */
      z.strictObject({ by: z.literal("remote-key"), dp, member: z.number().int().min(0).max(0xffff) }),
    ]),
    /** The DP that locks. Absent where the lock cannot be told to. */
    lock: z.strictObject({ dp, value }).optional(),
    /** As Lock.relocks: a motor that the gateway must call back, or a latch that falls by itself after a time of its own. */
    relocks: z.enum(["by-itself", "when-told"]),
    /** What the motor reports. Absent where nothing does. */
    bolt: z.strictObject({ dp, released: value, secured: value }).optional(),
    door: z.strictObject({ dp, open: value, closed: value }).optional(),
    /** Percent, or what its words mean in percent. */
    battery: z
      .strictObject({ dp, levels: z.record(z.string().max(32), z.number().min(0).max(100)).optional() })
      .optional(),
    /** A DP of alarms: those that mean force, and those that mean that the bolt did not get where it should. */
    alarm: z.strictObject({ dp, pried: z.array(value).max(16), jammed: z.array(value).max(16) }).optional(),
    /** DP → what opened the lock without asking us, each time the DP is pushed. */
    openings: z.record(z.string().regex(/^\d{1,3}$/), openedBy).optional(),
    /** How many digits its temporary passwords have. Needed where the site keeps codes in it, through the maker's cloud. */
    codes: z.strictObject({ length: z.number().int().min(4).max(10) }).optional(),
  })
  .refine(({ relocks, lock }) => relocks === "by-itself" || lock !== undefined, {
    path: ["lock"],
    message: "a lock that relocks when told needs the data point that locks it",
  });
export type Profile = z.infer<typeof profileSchema>;
export type DpValueOf = z.infer<typeof value>;

const alarms = { pried: ["pry"], jammed: ["tongue_bad", "tongue_not_out"] };

export const profiles = {
  /** Residential Wi-Fi lock: opens from here only while someone asks at the lock; it has no lock command and reports no bolt. */
  "residential-wifi": {
    unlock: { by: "approval", request: 9, dp: 10, opened: 15 },
    relocks: "by-itself",
    battery: { dp: 12 },
    alarm: { dp: 8, ...alarms },
    openings: { 1: "fingerprint", 2: "code", 3: "code", 4: "code", 5: "card", 7: "key" },
    codes: { length: 7 },
  },
  /** Bluetooth lock, smart handle, deadbolt or lockbox behind a gateway, opened with a remote key. */
  bluetooth: {
    unlock: { by: "remote-key", dp: 61, member: 1 },
    lock: { dp: 46, value: true },
    relocks: "when-told",
    bolt: { dp: 47, released: true, secured: false },
    battery: { dp: 8 },
    alarm: { dp: 21, ...alarms },
    openings: { 12: "fingerprint", 13: "code", 14: "code", 15: "card", 16: "key", 55: "code", 67: "code" },
    codes: { length: 6 },
  },
} satisfies Record<string, Profile>;
