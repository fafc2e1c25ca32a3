/** What an event at a gate says of a visitor's pass: who scanned it, with which photo, and whether it was learnt late. */
import type { Millis } from "../gateway/domain/instant.ts";
import type { EventRow } from "./store/events.ts";

/** What is learnt later than this after it happened was held up: its gateway had been cut off. */
const lateAfterMs: Millis = 120_000;

export function isLearntLate({ at, receivedAt }: Pick<EventRow, "at" | "receivedAt">): boolean {
  return receivedAt - at > lateAfterMs;
}

/** Whom its gateway names as the guard; undefined: nobody. Whether it is one is asked elsewhere. */
export const guardOf = (event: Pick<EventRow, "body">) => textIn(event, "staff");

/** Where the photo of the visit is shown to whoever may see the pass; undefined: none was taken. It comes after the event. */
export function photoPath(event: Pick<EventRow, "body">, pass: string): string | undefined {
  const photo = textIn(event, "photo");
  return photo === undefined || !/^[\da-f]{64}$/.test(photo) ? undefined : `/api/passes/${pass}/photos/${photo}`;
}

function textIn({ body }: Pick<EventRow, "body">, name: "staff" | "photo"): string | undefined {
  const { scan } = JSON.parse(body ?? "{}") as { readonly scan?: Readonly<Record<string, unknown>> };
  const text = scan?.[name];
  return typeof text === "string" ? text : undefined;
}
