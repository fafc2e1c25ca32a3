/**
 * The digits of a password on their way to Tuya's cloud: enciphered with the key of a ticket, which is enciphered with the project's access
 * secret. Pure. Source: the maker's "Get Temporary Key" and "Create Temporary Password".
 */
import { createCipheriv, createDecipheriv } from "node:crypto";
import { z } from "zod";
import type { SecretString } from "../../../wire/secret.ts";

const ticketSchema = z.object({
  ticket_id: z.string().min(1).max(128),
  /** Hexadecimal. */
  ticket_key: z.string().regex(/^(?:[\da-fA-F]{32}){1,4}$/),
});

export interface Ticket {
  readonly id: string;
  readonly key: string;
}

export function readTicket(result: unknown): Ticket | undefined {
  const read = ticketSchema.safeParse(result);
  return read.success ? { id: read.data.ticket_id, key: read.data.ticket_key } : undefined;
}

/** Upper-case hexadecimal; undefined where the ticket's key is none that this access secret opens: nothing else would notice wrong digits. */
export function encipherDigits(
  digits: SecretString,
  ticketKey: string,
  accessSecret: SecretString,
): string | undefined {
  const key = originalKey(Buffer.from(ticketKey, "hex"), accessSecret);
  if (!key) return undefined;
  const cipher = createCipheriv("aes-128-ecb", key, null);
  return Buffer.concat([cipher.update(digits.reveal(), "utf8"), cipher.final()])
    .toString("hex")
    .toUpperCase();
}

/** Sixteen printable characters, whether the cloud pads them or not. */
function originalKey(enciphered: Buffer, accessSecret: SecretString): Buffer | undefined {
  const decipher = createDecipheriv("aes-256-ecb", Buffer.from(accessSecret.reveal()), null).setAutoPadding(false);
  const plain = Buffer.concat([decipher.update(enciphered), decipher.final()]);
  const key = plain.subarray(0, 16);
  const isKey = key.every((byte) => byte > 0x20 && byte < 0x7f);
  const isPadding = plain.length === 16 || (plain.length === 32 && plain.subarray(16).every((byte) => byte === 16));
  return isKey && isPadding ? key : undefined;
}
