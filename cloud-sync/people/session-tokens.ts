/** The words people and programs prove themselves by after sign-in. Each can be made again from its session, so the store holds none. */
import { createHmac, timingSafeEqual } from "node:crypto";
import { type JWTPayload, errors as joseErrors, jwtVerify, SignJWT } from "jose";
import type { Instant } from "../../gateway/domain/instant.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import type { SiteKeys } from "../store/site-keys.ts";

export const accessLifeS = 300;
const ticketLifeS = 300;
const issuer = "postern";

export interface AccessClaims {
  readonly person: string;
  readonly session: string;
  /** Of the session's token it was given beside. */
  readonly number: number;
}

export interface Ticket {
  readonly person: string;
  holds(passwordHash: string | null): boolean;
}

export class SessionTokens {
  readonly #sessionKey: Buffer;
  readonly #accessKey: Buffer;
  readonly #ticketKey: Buffer;

  constructor(keys: SiteKeys) {
    this.#sessionKey = keys.serviceKey("session tokens");
    this.#accessKey = keys.serviceKey("access tokens");
    this.#ticketKey = keys.serviceKey("second-factor tickets");
  }

  /** "session-….7.MAC": a browser's cookie, a program's refresh token. */
  token(session: string, number: number): SecretString {
    return new SecretString(`${session}.${number}.${this.#mac(session, number).toString("base64url")}`);
  }

  /** undefined: it was not made here. */
  read(text: string): { readonly session: string; readonly number: number } | undefined {
    const [, session, digits, mac] = /^(session-[a-z0-9]{16})\.(\d{1,9})\.([\w-]{43})$/.exec(text) ?? [];
    if (session === undefined || mac === undefined) return undefined;
    const number = Number(digits);
    const isOurs = timingSafeEqual(Buffer.from(mac, "base64url"), this.#mac(session, number));
    return isOurs ? { session, number } : undefined;
  }

  /** A JWT that names person and session, given beside the session's token of this number; what they may do is looked up each time. */
  access(person: string, session: string, number: number, now: Instant): Promise<SecretString> {
    return signed(this.#accessKey, { sub: person, sid: session, num: number }, now, accessLifeS);
  }

  async readAccess(text: string, now: Instant): Promise<AccessClaims | undefined> {
    const claims = await claimsOf(this.#accessKey, text, now);
    if (typeof claims?.sid !== "string" || typeof claims.num !== "number") return undefined;
    return { person: claims.sub, session: claims.sid, number: claims.num };
  }

  /** The password was right, the second factor is still to come. `passwordHash`: of that password; void once there is another. */
  ticket(person: string, passwordHash: string, now: Instant): Promise<SecretString> {
    return signed(this.#ticketKey, { sub: person, pwd: this.#passwordMac(passwordHash) }, now, ticketLifeS);
  }

  /** The person it was given to, and whether that person's password is still the one that was right. */
  async readTicket(text: string, now: Instant): Promise<Ticket | undefined> {
    const claims = await claimsOf(this.#ticketKey, text, now);
    if (!claims) return undefined;
    return { person: claims.sub, holds: (kept) => kept !== null && claims.pwd === this.#passwordMac(kept) };
  }

  #passwordMac(passwordHash: string): string {
    return createHmac("sha256", this.#ticketKey).update(passwordHash).digest("base64url");
  }

  #mac(session: string, number: number): Buffer {
    return createHmac("sha256", this.#sessionKey).update(`${session}.${number}`).digest();
  }
}

async function signed(key: Buffer, claims: JWTPayload, now: Instant, lifeS: number): Promise<SecretString> {
  const at = Math.floor(now / 1000);
  const jwt = new SignJWT(claims).setProtectedHeader({ alg: "HS256", typ: "JWT" });
  return new SecretString(
    await jwt
      .setIssuer(issuer)
      .setIssuedAt(at)
      .setExpirationTime(at + lifeS)
      .sign(key),
  );
}

/** undefined: it was not made here for this purpose, or not of now. */
async function claimsOf(key: Buffer, text: string, now: Instant): Promise<(JWTPayload & { sub: string }) | undefined> {
  try {
    const { payload } = await jwtVerify(text, key, {
      algorithms: ["HS256"],
      issuer,
      requiredClaims: ["exp", "sub"],
      currentDate: new Date(now),
    });
    return payload.sub === undefined ? undefined : { ...payload, sub: payload.sub };
  } catch (error) {
    if (error instanceof joseErrors.JOSEError) return undefined;
    throw error;
  }
}
