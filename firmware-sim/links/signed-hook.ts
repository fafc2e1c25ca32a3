/** How programs sign what they send by themselves: over the bytes as they leave. */
import { createHmac } from "node:crypto";

/** As standardwebhooks.com has it. `at`: milliseconds since 1970. */
export function standardSignature(secret: string, id: string, at: number, body: string): Record<string, string> {
  const seconds = String(Math.floor(at / 1_000));
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const signature = createHmac("sha256", key).update(`${id}.${seconds}.${body}`).digest("base64");
  return { "webhook-id": id, "webhook-timestamp": seconds, "webhook-signature": `v1,${signature}` };
}

export function plainSignature(secret: string, header: string, prefix: string, body: string): Record<string, string> {
  return { [header]: prefix + createHmac("sha256", secret).update(body).digest("hex") };
}
