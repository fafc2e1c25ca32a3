/** The services by which guests get messages on their telephones, as the operator has set them up. */
import { createHmac } from "node:crypto";
import type { SecretString } from "../../gateway/wire/secret.ts";
import type { GuestChannel, TemplateNames } from "./guest-channel.ts";
import { metaChannel } from "./meta-whatsapp.ts";
import { twilioChannel } from "./twilio.ts";

export interface TwilioSettings {
  readonly accountSid: string;
  readonly authToken: SecretString;
  /** Who text messages are from: E.164, a name, or a messaging service ("MG…"); unset: none are sent. */
  readonly smsFrom?: string | undefined;
  /** E.164; unset: none are sent by WhatsApp. */
  readonly whatsappFrom?: string | undefined;
  readonly templates?: TemplateNames | undefined;
  /** Unset: Twilio's own. */
  readonly apiUrl?: string | undefined;
}

export interface MetaSettings {
  readonly phoneNumberId: string;
  readonly token: SecretString;
  /** Signs what Meta tells. */
  readonly appSecret: SecretString;
  /** In the address where Meta tells it, and asked for once by its console. */
  readonly verifyToken: SecretString;
  readonly version: string;
  readonly templates?: TemplateNames | undefined;
  /** Unset: Meta's own. */
  readonly apiUrl?: string | undefined;
}

export interface GuestServices {
  readonly channels: readonly GuestChannel[];
  readonly twilio?: { readonly authToken: SecretString; readonly pathToken: string } | undefined;
  readonly meta?: Pick<MetaSettings, "appSecret" | "verifyToken"> | undefined;
}

export interface GuestServiceSettings {
  readonly twilio?: TwilioSettings | undefined;
  /** WhatsApp goes by it, and not by Twilio. */
  readonly meta?: MetaSettings | undefined;
  /** Where services reach this one; unset: they tell nothing. */
  readonly publicUrl: string | undefined;
  /** Makes the address that Twilio is given. */
  readonly key: Uint8Array;
}

export const twilioPath = (pathToken: string, message: string) => `/callbacks/twilio/${pathToken}/${message}`;

export function guestServices({ twilio, meta, publicUrl, key }: GuestServiceSettings): GuestServices {
  const pathToken = createHmac("sha256", key).update("twilio").digest("base64url").slice(0, 32);
  const channels: GuestChannel[] = [];
  if (twilio) {
    const { accountSid, authToken, smsFrom, whatsappFrom, templates = {}, apiUrl } = twilio;
    const callbackUrl = (message: string) =>
      publicUrl?.startsWith("https:") ? publicUrl + twilioPath(pathToken, message) : undefined;
    const base = { accountSid, authToken, templates, callbackUrl, apiUrl };
    if (smsFrom !== undefined) channels.push(twilioChannel("sms", { ...base, from: smsFrom }));
    if (whatsappFrom !== undefined && !meta) channels.push(twilioChannel("whatsapp", { ...base, from: whatsappFrom }));
  }
  if (meta) channels.push(metaChannel({ ...meta, templates: meta.templates ?? {} }));
  return {
    channels,
    ...(twilio && { twilio: { authToken: twilio.authToken, pathToken } }),
    ...(meta && { meta: { appSecret: meta.appSecret, verifyToken: meta.verifyToken } }),
  };
}
