/** What Brivo says, and how it is told. Pure. Empty values are left out of its answers; its times are UTC, to the second. */
import { z } from "zod";
import type { Instant } from "../../domain/instant.ts";
import type { CodeWindow } from "../../domain/lock-code.ts";
import type { CodeToSet } from "../../ports/device.ts";
import type { LoggedEntry } from "../common/openings.ts";

/** By that last name the gateway's users are known; the first name is the code's label, and the external id, too. */
export const ourLastName = "Access code";

const number = z.number().int();
const instant = z
  .string()
  .transform((text) => Date.parse(text))
  .refine((at) => !Number.isNaN(at));

const doorState = z.string().max(32).nullish();
const statusSchema = z.object({
  accessPointState: doorState,
  accessPointScheduledState: doorState,
  accessPointInputState: doorState,
  statusUpdated: z.string().max(64).nullish(),
});

export interface DoorStatus {
  /** undefined: the panel is not connected, as far as the cloud knows. */
  readonly bolt: "released" | "secured" | undefined;
  /** When the cloud heard it, as it says. */
  readonly updated: string | undefined;
}

/** undefined when it cannot be read. */
export function readStatus(body: unknown): DoorStatus | undefined {
  const parsed = statusSchema.safeParse(body);
  if (!parsed.success) return undefined;
  const { accessPointState, accessPointScheduledState, accessPointInputState, statusUpdated } = parsed.data;
  // The input tells a pulse as well; the others what the door is by its schedule.
  const told = [accessPointInputState, accessPointState, accessPointScheduledState].map(boltOf);
  if (!Object.values(parsed.data).some((value) => typeof value === "string")) return undefined;
  return { bolt: told.find((bolt) => bolt !== undefined), updated: statusUpdated ?? undefined };
}

function boltOf(state: string | null | undefined): DoorStatus["bolt"] {
  if (state === "UNLOCK" || state === "UNLOCKED") return "released";
  return state === "LOCK" || state === "LOCKED" ? "secured" : undefined;
}

const pageSchema = z.object({ data: z.array(z.unknown()).max(1_000), count: number.min(0) });

/** One page of a list, and how many there are in all; undefined when it is none. */
export function readPage(body: unknown): { readonly data: readonly unknown[]; readonly count: number } | undefined {
  const parsed = pageSchema.safeParse(body);
  return parsed.success ? parsed.data : undefined;
}

const userSchema = z.object({
  id: number,
  externalId: z.string().max(512).nullish(),
  lastName: z.string().max(512).nullish(),
  pin: z
    .string()
    .regex(/^\d{1,16}$/)
    .nullish(),
  effectiveFrom: instant.nullish(),
  effectiveTo: instant.nullish(),
  suspended: z.boolean().nullish(),
});

export interface BrivoUser {
  readonly id: number;
  /** Set on those the gateway has made. */
  readonly label?: string;
  /** Never handed on. */
  readonly pin?: string;
  readonly window: CodeWindow | null;
  readonly isSuspended: boolean;
}

const always = { from: 0, until: 8.64e15 } as const;

/** undefined when it cannot be read. In lists a user has neither PIN nor dates. */
export function readUser(body: unknown): BrivoUser | undefined {
  const parsed = userSchema.safeParse(body);
  if (!parsed.success) return undefined;
  const { id, externalId, lastName, pin, effectiveFrom, effectiveTo, suspended } = parsed.data;
  const isOpen = typeof effectiveFrom !== "number" && typeof effectiveTo !== "number";
  return {
    id,
    ...(lastName === ourLastName && externalId && { label: externalId }),
    ...(pin && { pin }),
    window: isOpen ? null : { from: effectiveFrom ?? always.from, until: effectiveTo ?? always.until },
    isSuspended: suspended === true,
  };
}

const idSchema = z.object({ id: number });

/** The ids of a list; undefined when a single one cannot be read. */
export function readIds(data: readonly unknown[]): readonly number[] | undefined {
  const parsed = z.array(idSchema).safeParse(data);
  return parsed.success ? parsed.data.map(({ id }) => id) : undefined;
}

/** A user as it is made, and as PUT makes it anew: what is left out is gone then. PATCH keeps what is left out, so it is told null. */
export function toBody({ label, digits, window }: CodeToSet, verb: "POST" | "PUT" | "PATCH"): object {
  const none = verb === "PATCH" ? { effectiveFrom: null, effectiveTo: null } : {};
  return {
    firstName: label,
    lastName: ourLastName,
    externalId: label,
    pin: digits.reveal(),
    ...(window ? { effectiveFrom: toTime(window.from), effectiveTo: toTime(window.until) } : none),
  };
}

const lastTime = Date.UTC(9999, 11, 31, 23, 59, 59);

/** "2031-03-04T14:00:00Z" */
export function toTime(at: Instant): string {
  return `${new Date(Math.min(Math.max(at, 0), lastTime)).toISOString().slice(0, 19)}Z`;
}

/** An administrator, or a program in an administrator's name, has let the door be opened. */
export const adminPulse = 5064;

const eventSchema = z.object({
  uuid: z.string().min(1).max(64),
  securityAction: z.object({ securityActionId: number, exception: z.boolean().nullish() }),
  actor: z.object({ id: number.nullish() }).nullish(),
  eventObject: z.object({ id: number }),
  occurred: instant,
  eventData: z.object({ credentialType: z.string().max(64).nullish() }).nullish(),
});

/** One event of the door. */
export interface DoorEvent extends LoggedEntry {
  /** Who did it: a user's id, or an administrator's. */
  readonly actor?: number;
  /** As the maker calls it, where it does. */
  readonly credentialType?: string;
}

/**
 * Newest first, as the maker lists them. One that cannot be read is left out; undefined when it is no list. `eventData.actionAllowed` is
 * false in the maker's own examples of what was allowed, so `exception` decides.
 */
export function readEvents(body: unknown, accessPointId: number): readonly DoorEvent[] | undefined {
  const list = z.object({ data: z.array(z.unknown()).max(1_000) }).safeParse(body);
  if (!list.success) return undefined;
  return list.data.data.flatMap((event): DoorEvent[] => {
    const parsed = eventSchema.safeParse(event);
    if (!parsed.success || parsed.data.eventObject.id !== accessPointId) return [];
    const { uuid, securityAction, actor, occurred, eventData } = parsed.data;
    const { securityActionId: action, exception } = securityAction;
    return [
      {
        id: uuid,
        date: occurred,
        action,
        isOpening: exception === false && typeof actor?.id === "number",
        isThroughWeb: action === adminPulse,
        ...(typeof actor?.id === "number" && { actor: actor.id }),
        ...(eventData?.credentialType && { credentialType: eventData.credentialType }),
      },
    ];
  });
}
