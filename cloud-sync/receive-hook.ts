/** Takes in what a source of bookings sends by itself. It is on the disk before it is answered, and taken over by the job that reads sources. */
import { createHash } from "node:crypto";
import type { Millis } from "../gateway/domain/instant.ts";
import type { CredentialSeal } from "../gateway/wire/credential-seal.ts";
import { SecretString } from "../gateway/wire/secret.ts";
import { type FieldError, HttpProblem } from "../web/problem.ts";
import type { CloudParts } from "./cloud-parts.ts";
import { jsonDepth } from "./domain/json-depth.ts";
import { hashOf, isSameHash } from "./ids.ts";
import type { SourceBooking } from "./sources/booking-source.ts";
import { type HookMessage, isOlder, messageSchema, saidOf, toSourceBooking } from "./sources/hook-message.ts";
import { type HeaderOf, isSigned } from "./sources/hook-signature.ts";
import { bookingsOfWord, lodgifyEvents, lodgifySignature } from "./sources/lodgify-hooks.ts";
import { signatureRules } from "./sources/source-kinds.ts";
import type { SentBookings } from "./sources/webhook.ts";
import { findSource, hasSentWord, type SourceRow, signingKeys, subscriptionsOf } from "./store/booking-sources.ts";
import {
  findHookMessage,
  type HookMessageRow,
  latestOf,
  listLatest,
  lockSource,
  putHookMessage,
} from "./store/hook-messages.ts";
import { linkToken } from "./store/link-secret.ts";

export interface SentHook {
  readonly source: string;
  readonly token: string;
  readonly header: HeaderOf;
  readonly body: Uint8Array;
}

/** "repeated": it was taken in before · "older": a later one of the booking was. */
export type Taken = "taken" | "repeated" | "older";

const depthMax = 20;
const dayMs: Millis = 24 * 3_600_000;
/** Senders write their own wall clock as UTC. */
const aheadMaxMs: Millis = 26 * 3_600_000;
/** After the stay, or after it came where it is of none. */
const keptMs: Millis = 30 * dayMs;

/** Throws the 404 of an address that is none, so that nobody learns which sources there are. */
export async function hookSource({ store }: CloudParts, { source, token }: SentHook): Promise<SourceRow> {
  const row = linkToken.test(token) ? await findSource(store.db, source) : undefined;
  if (!row || row.tokenHash === null || !isSameHash(row.tokenHash, hashOf(token)))
    throw new HttpProblem(404, "not-found", "There is no such address.");
  if (row.closedAt !== null) throw new HttpProblem(410, "closed", "This source is closed.");
  return row;
}

/** Of a program that speaks our words. */
export async function receiveBooking(parts: CloudParts, sent: SentHook): Promise<Taken> {
  const { store, siteKeys, clock, logger } = parts;
  const row = await hookSource(parts, sent);
  if (row.kind !== "webhook") throw new HttpProblem(404, "not-found", "There is no such address.");
  const seal = await siteKeys.seal(store.db, row.siteId);
  const now = clock.wall();
  const rules = signatureRules(JSON.parse(row.options));
  if (!isSigned(rules, signingKeys(row, seal, now), sent.header, sent.body, now))
    throw new HttpProblem(
      401,
      "not-signed",
      "The signature is not this source's, or was made more than five minutes ago.",
    );
  const message = parsed(sent.body);
  // Nothing that follows would be later, and nothing could take it back.
  if (saidOf(message).occurredAt > now + aheadMaxMs)
    throw invalid([{ field: "body.occurred_at", message: "lies in the future: is the sender's clock right?" }]);
  const bodyHash = createHash("sha256").update(sent.body).digest("base64url");
  const externalId = message.booking.external_id;
  const taken = await store.transaction(async (tx): Promise<Taken> => {
    await lockSource(tx, row);
    const before = await findHookMessage(tx, row, message.id);
    if (before?.bodyHash === bodyHash) return "repeated";
    if (before) throw new HttpProblem(409, "other-body", "A message of this id came before with another body.");
    const latest = await latestOf(tx, row, externalId);
    const said = saidOf(message);
    const isLatest = !latest || !isOlder(said, latest);
    const booking = isLatest ? toSourceBooking(message, latest && unsealed(latest, seal)) : undefined;
    const endsAt = booking ? Temporal.Instant.from(`${booking.days.departure}T00:00Z`).epochMilliseconds : 0;
    await putHookMessage(tx, row, {
      id: message.id,
      bodyHash,
      externalId,
      ...said,
      sealed: booking ? seal.seal(placeOf(row.id, externalId), JSON.stringify(booking)) : null,
      isLatest,
      isPending: isLatest,
      receivedAt: now,
      keepUntil: Math.max(now, endsAt) + keptMs,
    });
    if (isLatest) await hasSentWord(tx, row, now);
    return isLatest ? "taken" : "older";
  });
  logger.info("booking-hook", { site: row.siteId, source: row.id, taken });
  return taken;
}

/** Word that something of a booking has changed. Nothing it says is believed: the booking is asked for. */
export async function receiveWord(parts: CloudParts, sent: SentHook & { readonly event: string }): Promise<void> {
  const { store, siteKeys, clock, logger } = parts;
  const row = await hookSource(parts, sent);
  const subscription = subscriptionsOf(row, await siteKeys.seal(store.db, row.siteId))[sent.event];
  if (row.kind !== "lodgify" || !lodgifyEvents.some((one) => one === sent.event))
    throw new HttpProblem(404, "not-found", "There is no such address.");
  const now = clock.wall();
  const told = sent.header(lodgifySignature.header);
  const isDemanded = told !== undefined || JSON.parse(row.options).signed === true;
  const secrets = subscription ? [new SecretString(subscription.secret)] : [];
  if (isDemanded && !isSigned(lodgifySignature, secrets, sent.header, sent.body, now))
    throw new HttpProblem(401, "not-signed", "The signature is not this source's.");
  const bookings = bookingsOfWord(sent.body);
  const bodyHash = createHash("sha256").update(sent.body).digest("base64url");
  if (bookings.length > 0)
    await store.transaction(async (tx) => {
      await lockSource(tx, row);
      for (const externalId of bookings) {
        const word = { id: `word-${externalId}`, bodyHash, externalId, version: null, occurredAt: null, sealed: null };
        const kept = { receivedAt: now, keepUntil: now + keptMs };
        await putHookMessage(tx, row, { ...word, ...kept, isLatest: false, isPending: true });
      }
      await hasSentWord(tx, row, now);
    });
  logger.info("booking-word", { site: row.siteId, source: row.id, event: sent.event, bookings: bookings.length });
}

function parsed(body: Uint8Array): HookMessage {
  let value: unknown;
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(body);
    if (jsonDepth(text) > depthMax) throw new RangeError("too deep");
    value = JSON.parse(text);
  } catch (error) {
    const why = error instanceof RangeError ? `is more than ${depthMax} levels deep` : "is not JSON in UTF-8";
    throw new HttpProblem(422, "invalid-message", `The body ${why}.`);
  }
  const result = messageSchema.safeParse(value);
  if (result.success) return result.data;
  const errors = result.error.issues.map(({ path, message }) => ({ field: ["body", ...path].join("."), message }));
  throw invalid(errors);
}

function invalid(errors: readonly FieldError[]): HttpProblem {
  const detail = `The message is not valid: ${errors.map(({ field }) => field).join(", ")}.`;
  return new HttpProblem(422, "invalid-message", detail, { errors });
}

/** Of a source's row: what it has sent last of each booking. */
export function sentBookings({ store, siteKeys }: CloudParts, row: SourceRow): SentBookings {
  return {
    async all() {
      const seal = await siteKeys.seal(store.db, row.siteId);
      return (await listLatest(store.db, row)).flatMap((one) => unsealed(one, seal) ?? []);
    },
    async one(externalId) {
      const seal = await siteKeys.seal(store.db, row.siteId);
      const latest = await latestOf(store.db, row, externalId);
      return latest && unsealed(latest, seal);
    },
  };
}

/** What the seal is bound to. */
const placeOf = (source: string, externalId: string) => `booking-of-${source}-${externalId}`;

function unsealed({ sourceId, externalId, sealed }: HookMessageRow, seal: CredentialSeal): SourceBooking | undefined {
  const text = sealed === null ? undefined : seal.open(placeOf(sourceId, externalId), sealed);
  return text && (JSON.parse(text.reveal()) as SourceBooking);
}
