/** What an event at a gate says of a visitor's pass: who scanned it, and whether it was learnt late. */
import type { Millis } from "../gateway/domain/instant.ts";
import type { EventRow } from "./store/events.ts";

/** What is learnt later than this after it happened was held up: its gateway had been cut off. */
const lateAfterMs: Millis = 120_000;

export function isLearntLate({ at, receivedAt }: Pick<EventRow, "at" | "receivedAt">): boolean {
  return receivedAt - at > lateAfterMs;
}

/** Whom its gateway names as the guard; undefined: nobody. Whether it is one is asked elsewhere. */
export function guardOf({ body }: Pick<EventRow, "body">): string | undefined {
  const { scan } = JSON.parse(body ?? "{}") as { readonly scan?: { readonly staff?: unknown } };
  return typeof scan?.staff === "string" ? scan.staff : undefined;
}
