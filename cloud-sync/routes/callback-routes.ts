/** What services tell of messages to guests. A token stands in the address and a signature beside what is told; both must be right. */
import { OpenAPIHono } from "@hono/zod-openapi";
import { limitBody } from "../../web/limits.ts";
import type { CloudEnv } from "../authenticate.ts";
import type { ErrorClass } from "../channels/guest-channel.ts";
import { classOfMeta } from "../channels/meta-errors.ts";
import { isMetas, metaStatuses } from "../channels/meta-whatsapp.ts";
import { isTwilios, twilioWord } from "../channels/twilio.ts";
import { classOfTwilio } from "../channels/twilio-errors.ts";
import type { CloudParts } from "../cloud-parts.ts";
import type { DeliveryWord } from "../domain/delivery.ts";
import { hashOf, isSameHash } from "../ids.ts";
import { takeReport } from "../tell-guest.ts";
import { notFound } from "./shapes.ts";

const bodyBytes = 256 * 1024;

export function callbackRoutes(parts: CloudParts): OpenAPIHono<CloudEnv> {
  const app = new OpenAPIHono<CloudEnv>();
  app.use("/callbacks/*", limitBody(bodyBytes));

  app.post("/callbacks/twilio/:token/:message", async (c) => {
    const { twilio } = parts.guests ?? {};
    const { token, message } = c.req.param();
    if (!twilio || !isSameToken(token, twilio.pathToken)) throw notFound("such address");
    const fields = new URLSearchParams(await c.req.text());
    // The address as Twilio was given it: what a proxy makes of it is signed by nobody.
    const url = (parts.publicUrl ?? "") + c.req.path + new URL(c.req.url).search;
    if (!isTwilios(c.req.header("x-twilio-signature") ?? "", twilio.authToken, url, fields)) return c.body(null, 403);
    const word = twilioWord(fields.get("MessageStatus") ?? "");
    const ref = fields.get("MessageSid") ?? "";
    if (word !== undefined && /^[A-Z]{2}[0-9a-f]{32}$/.test(ref)) {
      const code = Number(fields.get("ErrorCode")) || undefined;
      const report = { ref, word, ...failureOf(word, "Twilio", code, classOfTwilio(code, undefined)) };
      await takeReport(parts, report, message);
    }
    return c.body(null, 204);
  });

  app.get("/callbacks/meta/:token", (c) => {
    const { meta } = parts.guests ?? {};
    if (!meta || !isSameToken(c.req.param("token"), meta.verifyToken.reveal())) throw notFound("such address");
    const isAsked = c.req.query("hub.mode") === "subscribe";
    if (!isAsked || !isSameToken(c.req.query("hub.verify_token") ?? "", meta.verifyToken.reveal()))
      return c.body(null, 403);
    const challenge = c.req.query("hub.challenge") ?? "";
    return /^[\w.-]{1,200}$/.test(challenge) ? c.text(challenge) : c.body(null, 400);
  });

  app.post("/callbacks/meta/:token", async (c) => {
    const { meta } = parts.guests ?? {};
    if (!meta || !isSameToken(c.req.param("token"), meta.verifyToken.reveal())) throw notFound("such address");
    const bytes = new Uint8Array(await c.req.arrayBuffer());
    if (!isMetas(c.req.header("x-hub-signature-256") ?? "", meta.appSecret, bytes)) return c.body(null, 403);
    for (const { ref, word, code } of metaStatuses(readJson(bytes)))
      await takeReport(parts, { ref, word, ...failureOf(word, "Meta", code, classOfMeta(code, undefined)) });
    return c.body(null, 200);
  });

  return app;
}

/** What a report says besides its word. */
function failureOf(word: DeliveryWord, what: string, code: number | undefined, errorClass: ErrorClass) {
  if (word !== "failed") return { errorClass: null, why: null };
  return { errorClass, why: code === undefined ? what : `${what}: ${code}` };
}

const isSameToken = (given: string, right: string) => isSameHash(hashOf(given), hashOf(right));

function readJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    return undefined;
  }
}
