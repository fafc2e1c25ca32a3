/** A push service on a loopback port, and browsers that subscribe there and read what is sent to them: written from RFC 8291, 8188 and 8292 alone. */
import { createDecipheriv, createECDH, createPublicKey, hkdfSync, randomBytes, verify } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import type { TestContext } from "node:test";

/** "hang": hears it and never answers · "cut": the line breaks. */
export type PushAnswer =
  | "hang"
  | "cut"
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>> };

export interface TakenPush {
  readonly path: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Buffer;
}

export interface TestBrowser {
  /** As PushSubscription.toJSON() writes it. */
  readonly subscription: {
    readonly endpoint: string;
    readonly keys: { readonly p256dh: string; readonly auth: string };
  };
  /** What has come for it, readable. */
  messages(): { id: string; title: string; body: string; path: string; photo?: string }[];
  readonly taken: () => readonly TakenPush[];
}

export interface PushPeer {
  readonly origin: string;
  readonly taken: readonly TakenPush[];
  /** For each request from now on; 201 at first. */
  answer: (push: TakenPush) => PushAnswer;
  browser(name: string): TestBrowser;
}

export async function givenPushPeer(t: Pick<TestContext, "after">): Promise<PushPeer> {
  const taken: TakenPush[] = [];
  const server = createServer(async (request, response) => {
    const push = { path: request.url ?? "", headers: request.headers, body: await buffer(request) };
    taken.push(push);
    const answer = peer.answer(push);
    if (answer === "cut") response.destroy();
    else if (answer !== "hang") response.writeHead(answer.status, answer.headers).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const peer: PushPeer = {
    origin,
    taken,
    answer: () => ({ status: 201 }),
    browser(name) {
      const keys = createECDH("prime256v1");
      keys.generateKeys();
      const auth = randomBytes(16);
      const path = `/push/${name}`;
      const its = () => taken.filter((one) => one.path === path);
      return {
        subscription: {
          endpoint: origin + path,
          keys: { p256dh: keys.getPublicKey("base64url"), auth: auth.toString("base64url") },
        },
        taken: its,
        messages: () => its().map(({ body }) => JSON.parse(decrypt(body, keys, auth))),
      };
    },
  };
  return peer;
}

function decrypt(message: Buffer, keys: ReturnType<typeof createECDH>, auth: Buffer): string {
  const salt = message.subarray(0, 16);
  const keyEnd = 21 + message[20]!;
  const sender = message.subarray(21, keyEnd);
  const info = Buffer.concat([Buffer.from("WebPush: info\0"), keys.getPublicKey(), sender]);
  const secret = Buffer.from(hkdfSync("sha256", keys.computeSecret(sender), auth, info, 32));
  const key = Buffer.from(hkdfSync("sha256", secret, salt, "Content-Encoding: aes128gcm\0", 16));
  const nonce = Buffer.from(hkdfSync("sha256", secret, salt, "Content-Encoding: nonce\0", 12));
  const record = message.subarray(keyEnd);
  const decipher = createDecipheriv("aes-128-gcm", key, nonce).setAuthTag(record.subarray(-16));
  const padded = Buffer.concat([decipher.update(record.subarray(0, -16)), decipher.final()]);
  if (padded.at(-1) !== 2) throw new Error("not the last record");
  return padded.subarray(0, -1).toString("utf8");
}

/** Who says to have sent it; throws for a word that the key has not signed. */
export function senderOf({ headers }: TakenPush): { readonly key: string; readonly claims: Record<string, unknown> } {
  const [, token = "", key = ""] = /^vapid t=([\w.-]+), k=([\w-]+)$/.exec(String(headers.authorization)) ?? [];
  const [head = "", claims = "", signature = ""] = token.split(".");
  const point = Buffer.from(key, "base64url");
  const coordinate = (from: number) => point.subarray(from, from + 32).toString("base64url");
  const jwk = { kty: "EC", crv: "P-256", x: coordinate(1), y: coordinate(33) };
  const by = { key: createPublicKey({ key: jwk, format: "jwk" }), dsaEncoding: "ieee-p1363" } as const;
  if (!verify("sha256", Buffer.from(`${head}.${claims}`), by, Buffer.from(signature, "base64url")))
    throw new Error("not signed by its key");
  return { key, claims: JSON.parse(Buffer.from(claims, "base64url").toString("utf8")) };
}
