/** Puts a message to the guest of a stay in line, or takes one away that is not so any more. */
import type { Instant, Millis } from "../gateway/domain/instant.ts";
import { toldStates } from "./domain/delivery.ts";
import { isProvenAt, type MessageFacts, type NewestMessage, planMessage } from "./domain/guest-messages.ts";
import type { StayDoor } from "./domain/stay-alarms.ts";
import type { BookingRow } from "./store/bookings.ts";
import { type MessageRow, messagesOf, putMessage, saysOf, writeMessage } from "./store/guest-messages.ts";
import { readSettings } from "./store/message-settings.ts";
import type { Transaction } from "./store/store.ts";

/** One that waits and could say more once the doors have confirmed. */
const lookAgainMs: Millis = 60_000;

export interface ToldStay {
  /** Locked. */
  readonly row: BookingRow;
  /** IANA, of the site. */
  readonly zone: string;
  readonly present: MessageFacts | null;
  readonly doors: readonly StayDoor[];
  readonly wantedSince: Instant;
}

/** When to look again; null: not before something changes. */
export async function planGuestMessage(tx: Transaction, stay: ToldStay, now: Instant): Promise<Instant | null> {
  const { row, zone, present, doors, wantedSince } = stay;
  const { siteId: site, id: booking } = row;
  const settings = await readSettings(tx, site, row.propertyId);
  const real = await messagesOf(tx, site, booking);
  const [newest] = real;
  const drop = async () => {
    if (newest?.state === "waiting" && newest.askedBy === null)
      await writeMessage(tx, newest, { state: "dropped", dueAt: null }, now);
  };
  if (!settings.on) {
    await drop();
    return null;
  }
  const told = real.find(({ state }) => toldStates.includes(state));
  const step = planMessage(
    {
      status: row.status,
      beginsAt: row.beginsAt,
      present,
      doors,
      wantedSince,
      onSince: settings.onSince ?? 0,
      newest: newest ? newestOf(newest) : null,
      told: told ? { kind: told.kind, says: saysOf(told) } : null,
      quiet: { from: settings.quietFrom, until: settings.quietUntil },
      zone,
    },
    now,
  );
  if (step.do === "nothing") {
    if (step.drop) await drop();
    else if (newest?.state === "waiting" && !newest.isProven) {
      if (isProvenAt(doors)) await writeMessage(tx, newest, { isProven: true }, now);
      else return now + lookAgainMs;
    }
    return step.lookAt;
  }
  await drop();
  const { message, isProven, at } = step;
  await putMessage(tx, { site, booking, ...message, isProven, dueAt: at }, now);
  return isProven ? null : now + lookAgainMs;
}

function newestOf(row: MessageRow): NewestMessage {
  const { state, kind, stateAt } = row;
  const standing = state === "waiting" || state === "failed" ? state : "told";
  return { kind, says: saysOf(row), standing, at: stateAt };
}
