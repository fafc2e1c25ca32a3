/** What Kisi says. Pure. Dates are ISO 8601 with a zone. */
import { z } from "zod";
import type { CloudDoorEvent, CloudDoorStatus } from "../common/cloud-door.ts";

const flag = z.boolean().nullish();

const lockSchema = z.object({
  id: z.number().int(),
  /** null: it is not known, as where no controller is assigned. */
  online: flag,
  unlocked: flag,
  /** Of the contact, where the door has one. */
  open: flag,
  locked_down: flag,
});

/** undefined when it cannot be read, or is another lock. */
export function readLock(body: unknown, lockId: number): CloudDoorStatus | undefined {
  const parsed = lockSchema.safeParse(body);
  if (!parsed.success || parsed.data.id !== lockId) return undefined;
  const { online, unlocked, open, locked_down: isLockedDown } = parsed.data;
  return {
    isConnected: online === true,
    ...(typeof unlocked === "boolean" && { bolt: unlocked ? "released" : "secured" }),
    ...(typeof open === "boolean" && { door: open ? "open" : "closed" }),
    isLockedDown: isLockedDown === true,
  };
}

const errorSchema = z.object({ code: z.string().max(32) });

/** The service's own word for what went wrong; undefined where it has none. */
export function errorCode(body: unknown): string | undefined {
  const parsed = errorSchema.safeParse(body);
  return parsed.success ? parsed.data.code : undefined;
}

/** An unlocking by anybody; the log has no numbers for what was done. */
export const unlockAction = 1;

const setSchema = z.object({
  id: z.number().int(),
  status: z.string().max(32),
  events: z.array(z.unknown()).max(1_000).nullish(),
  cursor: z.string().max(2_048).nullish(),
});

/** What was asked of the log, as far as it has come. */
export interface EventSet {
  readonly id: number;
  readonly status: string;
  readonly events: readonly unknown[];
  readonly cursor: string | undefined;
}

/** undefined when it cannot be read. */
export function readEventSet(body: unknown): EventSet | undefined {
  const parsed = setSchema.safeParse(body);
  if (!parsed.success) return undefined;
  const { id, status, events, cursor } = parsed.data;
  return { id, status, events: events ?? [], cursor: cursor ?? undefined };
}

const eventSchema = z.object({
  uuid: z.string().min(1).max(64),
  type: z.string().max(64),
  /** null: the exit button. */
  actor_type: z.string().max(32).nullish(),
  object_id: z.number().int(),
  success: z.boolean().nullish(),
  created_at: z
    .string()
    .transform((text) => Date.parse(text))
    .refine((at) => !Number.isNaN(at)),
});

/** Newest first. One that cannot be read, or is of another lock, is left out. */
export function readEvents(events: readonly unknown[], lockId: number): readonly CloudDoorEvent[] {
  return events
    .flatMap((event): CloudDoorEvent[] => {
      const parsed = eventSchema.safeParse(event);
      if (!parsed.success || parsed.data.object_id !== lockId) return [];
      const { uuid: id, type, actor_type: actor, success, created_at: date } = parsed.data;
      return [
        {
          id,
          date,
          action: unlockAction,
          isOpening: type === "lock.unlock" && success === true && Boolean(actor),
          // We are a user of the account, and are told from others by nothing else.
          isThroughWeb: actor === "User",
          // Cards, telephones and links are all people's unlockings.
          opened: { type: "opened-at-lock", by: "app" },
        },
      ];
    })
    .sort((a, b) => b.date - a.date);
}

/** "2031-03-04T14:00:00Z" */
export function toTime(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`;
}
