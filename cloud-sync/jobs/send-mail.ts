/** Sends the mails that wait in the outbox, with pauses between attempts that grow, until they are too old. */
import type { Millis } from "../../gateway/domain/instant.ts";
import type { MailChannel, MailResult } from "../channels/mail.ts";
import type { CloudParts } from "../cloud-parts.ts";
import { mailOf } from "../people/forgot-password.ts";
import { claimDue, mailKinds, settle, tryLater } from "../store/outbox.ts";
import { withinDeadline } from "../within-deadline.ts";
import { emptyOutbox, sendAllDue } from "./empty-outbox.ts";

const sendWithinMs: Millis = 30_000;
/** Longer than a sending and its writing down may take: then somebody else may try. */
const leaseMs: Millis = 2 * sendWithinMs;
/** After each failed attempt. A server that makes strangers wait wants five minutes. */
const pausesMs: readonly Millis[] = [15_000, 60_000, 300_000, 600_000, 900_000];

/** Runs until `parts.stopping` fires. */
export function sendMails(parts: CloudParts, channel: MailChannel): Promise<void> {
  return emptyOutbox(parts, mailKinds, () => sendOne(parts, channel));
}

/** All that is due now, one after the other; answers how long until the next is. */
export function sendDue(parts: CloudParts, channel: MailChannel): Promise<Millis> {
  return sendAllDue(parts, mailKinds, () => sendOne(parts, channel));
}

/** false: none was due. */
async function sendOne(parts: CloudParts, channel: MailChannel): Promise<boolean> {
  const { store, clock, logger } = parts;
  const claimed = await store.transaction(async (tx) => {
    const row = await claimDue(tx, mailKinds, clock.wall(), leaseMs);
    if (!row) return undefined;
    const isTooOld = clock.wall() >= row.expiresAt;
    return { row, isTooOld, mail: isTooOld ? undefined : await mailOf(parts, tx, row) };
  });
  if (!claimed) return false;
  const { row, mail, isTooOld } = claimed;
  if (!mail && !isTooOld) return true;
  const result: MailResult = mail
    ? await withinDeadline(parts, sendWithinMs, (signal) => channel.send(mail, signal))
    : { outcome: "never", why: row.why ?? "too old" };
  const now = clock.wall();
  const dueAt = now + (pausesMs[row.attempts - 1] ?? pausesMs.at(-1)!);
  await store.transaction(async (tx) => {
    if (result.outcome === "later") await tryLater(tx, row.id, dueAt, result.why);
    else if (result.outcome === "sent") await settle(tx, row.id, "sent", null, now);
    else await settle(tx, row.id, "failed", result.why, now);
  });
  const facts = { mail: row.id, attempts: row.attempts };
  if (result.outcome === "sent") logger.info("mail-sent", facts);
  else if (result.outcome === "later") logger.warn("mail-waits", { ...facts, why: result.why });
  else logger.error("mail-failed", { ...facts, why: result.why });
  return true;
}
