/** Web Push (RFC 8030) with a voluntary identification (VAPID, RFC 8292): to the push service of whichever browser has subscribed. */
import { createHash, createPrivateKey } from "node:crypto";
import { SignJWT } from "jose";
import type { Instant } from "../../gateway/domain/instant.ts";
import type { SecretString } from "../../gateway/wire/secret.ts";
import { type PushNotice, type PushResult, resultOf, ttlOf, unreached } from "./push.ts";
import { type BrowserKeys, encryptFor } from "./push-encryption.ts";

export interface Subscription extends BrowserKeys {
  /** Where the browser's push service takes messages for it; whoever knows it can send there. */
  readonly endpoint: string;
}

/** By which push services know who sends. */
export interface PushKeys {
  /** A point of P-256, uncompressed, base64url: browsers are told it when they subscribe. */
  readonly publicKey: string;
  /** PKCS #8, base64url. */
  readonly privateKey: SecretString;
}

export interface WebPushSettings {
  /** Whom a push service may write to: mailto:… or https:… */
  readonly contact: string;
  /** Origins of push services besides the browsers' own, such as "https://push.example.org". */
  readonly services?: readonly string[] | undefined;
}

/** Chromium and Edge on Android, Firefox, Safari, Edge on Windows. */
const knownHosts =
  /^(?:fcm\.googleapis\.com|(?:[\w-]+\.)+(?:push\.services\.mozilla\.com|push\.apple\.com|notify\.windows\.com))$/;
const identityLifeS = 12 * 3_600;

/** An endpoint comes from a stranger's browser: nothing is ever sent anywhere else. */
export function isPushService(endpoint: string, services: readonly string[] = []): boolean {
  if (!URL.canParse(endpoint)) return false;
  const { protocol, hostname, origin, port, username, password } = new URL(endpoint);
  if (username !== "" || password !== "") return false;
  return services.includes(origin) || (protocol === "https:" && port === "" && knownHosts.test(hostname));
}

/** Always resolves; "later" once `signal` fires. */
export async function sendPush(
  { contact, services }: WebPushSettings,
  keys: PushKeys,
  { endpoint, ...browser }: Subscription,
  notice: PushNotice,
  now: Instant,
  signal: AbortSignal,
): Promise<PushResult> {
  const what = "web push";
  if (!isPushService(endpoint, services)) return { outcome: "gone", why: `${what}: not a push service that is known` };
  const { id, title, body, path, photo, answers } = notice;
  const text = JSON.stringify({ id, title, body, path, photo, answers });
  try {
    const {
      status,
      headers,
      body: rest,
    } = await fetch(endpoint, {
      method: "POST",
      redirect: "manual",
      signal,
      headers: {
        authorization: `vapid t=${await identity(keys, new URL(endpoint).origin, contact, now)}, k=${keys.publicKey}`,
        "content-encoding": "aes128gcm",
        "content-type": "application/octet-stream",
        ttl: String(ttlOf(notice)),
        urgency: "high",
        // One that waits is replaced by its repeat.
        topic: createHash("sha256").update(id).digest("base64url").slice(0, 32),
      },
      body: encryptFor(browser, text),
    });
    await rest?.cancel();
    if (status === 404 || status === 410) return { outcome: "gone", why: `${what} ${status}` };
    return resultOf(what, status, headers);
  } catch (error) {
    return unreached(what, error);
  }
}

async function identity(keys: PushKeys, audience: string, contact: string, now: Instant): Promise<string> {
  const key = createPrivateKey({
    key: Buffer.from(keys.privateKey.reveal(), "base64url"),
    format: "der",
    type: "pkcs8",
  });
  return new SignJWT({})
    .setProtectedHeader({ alg: "ES256", typ: "JWT" })
    .setAudience(audience)
    .setSubject(contact)
    .setExpirationTime(Math.floor(now / 1_000) + identityLifeS)
    .sign(key);
}
