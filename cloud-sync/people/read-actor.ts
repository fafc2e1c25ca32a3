/** Who asks: an administrator's token, a program's key, a person's access token, or a browser's cookie, for routes and pages alike. */
import type { Context } from "hono";
import type { Instant } from "../../gateway/domain/instant.ts";
import type { SecretString } from "../../gateway/wire/secret.ts";
import { apiKeyState } from "../domain/api-key-state.ts";
import { type Action, type Actor, rolesWithSecondFactor, tokenHolderId } from "../domain/permissions.ts";
import { cookieRotationMs, isLive, judgeToken } from "../domain/session-rules.ts";
import { bearerToken, hashOf, isSameHash } from "../ids.ts";
import { hasStoredAdminToken, isStoredAdminToken } from "../store/admin-tokens.ts";
import { findApiKey, markKeyUsed } from "../store/api-keys.ts";
import type { Person } from "../store/people.ts";
import { recordSecurity } from "../store/security-events.ts";
import { endSession, markPresented, markSeen, readSession, rotate, type SessionOfPerson } from "../store/sessions.ts";
import { byItselfHeader, demandSameOrigin } from "./caller.ts";
import type { PeopleParts } from "./people-parts.ts";
import { giveSessionCookie, readSessionCookie, takeSessionCookie } from "./session-cookie.ts";

/** A session or key that is used all the time is written down once a minute. */
const seenEveryMs = 60_000;

/** Whoever started the service, by a token that belongs to no person. */
const tokenHolder: Actor = { id: tokenHolderId, role: "admin", sites: [] };

export const hasSecondFactor = ({ totpSealed, passkeys }: Person) => totpSealed !== null || passkeys > 0;

export function toActor(person: Person, session: string): Actor {
  const needsSecondFactor = rolesWithSecondFactor.includes(person.role) && !hasSecondFactor(person);
  const { id, role, sites, name, language } = person;
  return {
    id,
    role,
    sites,
    ...(needsSecondFactor && { scopes: ["account.self"] as const }),
    person: { name, language, session, needsSecondFactor },
  };
}

/**
 * undefined: nobody who is known. A cookie may be renewed on the way. Throws the 403 of a request with a cookie that changes something
 * and that another origin's page made.
 */
export async function readActor(people: PeopleParts, c: Context): Promise<Actor | undefined> {
  if (c.req.header("authorization") !== undefined) return byBearer(people, c);
  const token = readSessionCookie(c, people.publicUrl);
  if (token === undefined) return undefined;
  demandSameOrigin(c, people.publicUrl);
  const isByItself = c.req.header(byItselfHeader) !== undefined;
  const opened = await openSession(people, token, isByItself ? "never" : "when-due");
  if (!opened) {
    takeSessionCookie(c, people.publicUrl);
    return undefined;
  }
  if (opened.token.reveal() !== token) giveSessionCookie(c, people.publicUrl, opened.token);
  return toActor(opened.person, opened.session.id);
}

async function byBearer(people: PeopleParts, c: Context): Promise<Actor | undefined> {
  const { store, clock, tokens } = people;
  const token = /^Bearer (.+)$/i.exec(c.req.header("authorization") ?? "")?.[1];
  if (token === undefined || !bearerToken.test(token)) return undefined;
  const hash = hashOf(token);
  let isGiven = false;
  for (const one of people.adminTokenHashes) isGiven = isSameHash(one, hash) || isGiven;
  if (isGiven) return tokenHolder;
  if (token.startsWith("postern_admin_")) return (await isStoredAdminToken(store.db, hash)) ? tokenHolder : undefined;
  const now = clock.wall();
  if (token.startsWith("postern_key_")) return byKey(people, hash, now);
  const claims = await tokens.readAccess(token, now);
  const found = claims && (await readSession(store.db, claims.session));
  if (!claims || !found || found.person.id !== claims.person || !isUsable(found, now)) return undefined;
  await noteSeen(people, found, claims.number, now);
  return toActor(found.person, found.session.id);
}

/** Whether whoever shows an administrator's token is let in at all. */
export async function takesAdminToken({ adminTokenHashes, store }: PeopleParts): Promise<boolean> {
  return adminTokenHashes.length > 0 || hasStoredAdminToken(store.db);
}

async function byKey(people: PeopleParts, hash: string, now: Instant): Promise<Actor | undefined> {
  const { store } = people;
  const found = await findApiKey(store.db, hash);
  if (!found) return undefined;
  const { row: key, maker } = found;
  const isTokenGood = maker?.kind === "token-holder" && (await takesAdminToken(people));
  if (apiKeyState(key, maker, isTokenGood, now) !== "live") return undefined;
  if (key.usedAt === null || now - key.usedAt >= seenEveryMs)
    await store.transaction((tx) => markKeyUsed(tx, key.id, now));
  return { id: key.id, role: key.role, sites: key.sites, scopes: key.scopes as Action[] };
}

function isUsable({ session, person }: SessionOfPerson, now: Instant): boolean {
  return person.disabledAt === null && isLive(session, person.role, now);
}

/** `number`: of the session's token that came, or that the access token was given beside. */
async function noteSeen(
  { store }: PeopleParts,
  { session }: SessionOfPerson,
  number: number,
  now: Instant,
): Promise<void> {
  const isFirst = session.presentedAt === null && number === session.counter;
  const isDue = now - session.seenAt >= seenEveryMs;
  if (!isFirst && !isDue) return;
  await store.transaction(async (tx) => {
    if (isFirst) await markPresented(tx, session.id, number, now);
    if (isDue) await markSeen(tx, session.id, now);
  });
}

export interface OpenedSession extends SessionOfPerson {
  /** The session's newest token: the one that came, or its successor. */
  readonly token: SecretString;
  /** Of that token. */
  readonly number: number;
}

/**
 * The session a token of it stands for; undefined: the token is not ours, or its session is over. A token that comes although its
 * successor is in use ends its session, since two have it. `rotation`: "now" hands out the successor of the newest token, "when-due" only once that token has served its time, "never" not even then, and the session stays as idle as it was.
 */
export async function openSession(
  people: PeopleParts,
  token: string,
  rotation: "now" | "when-due" | "never",
): Promise<OpenedSession | undefined> {
  const { store, clock, tokens, logger } = people;
  const read = tokens.read(token);
  const found = read && (await readSession(store.db, read.session));
  const now = clock.wall();
  if (!read || !found || !isUsable(found, now)) return undefined;
  const { session, person } = found;
  const verdict = judgeToken(session, read.number, now);
  if (verdict === "replayed") {
    const { address, device } = session;
    const detail = "a token came back after its successor was used: two had it, and the session has ended";
    await store.transaction(async (tx) => {
      await endSession(tx, person.id, session.id, now);
      const event = {
        kind: "session-replayed",
        severity: "alarm",
        subject: person.id,
        address,
        device,
        detail,
      } as const;
      await recordSecurity(tx, event, now);
    });
    logger.warn("session-token-replayed", { session: session.id, person: person.id });
    return undefined;
  }
  const opened = (number: number) => ({ ...found, token: tokens.token(session.id, number), number });
  const isDue = rotation === "now" || (rotation === "when-due" && now - session.rotatedAt >= cookieRotationMs);
  if (verdict === "current" && isDue) {
    await store.transaction((tx) => rotate(tx, session.id, read.number, now));
    return opened(read.number + 1);
  }
  if (rotation !== "never") await noteSeen(people, found, read.number, now);
  return opened(verdict === "superseded" ? session.counter : read.number);
}
