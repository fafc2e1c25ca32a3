/** Texts to guests with fields in braces, purely: "{guest}, your code for {property} …". */
import type { MessageKind } from "./guest-messages.ts";

export const messageFields = ["guest", "property", "code", "link", "from", "until", "doors", "wifi"] as const;
export type MessageField = (typeof messageFields)[number];

/** What stands in a message's place of each field; undefined: there is none. */
export type MessageValues = Readonly<Partial<Record<MessageField, string>>>;

const field = /\{([^{}]*)\}/g;

export function fieldsIn(text: string): string[] {
  return [...new Set([...text.matchAll(field)].map(([, name]) => name ?? ""))];
}

/** Why a text cannot be sent as it is; undefined: it can. `pin`: it may hold the digits. */
export function objectionTo(text: string, kind: MessageKind, pin: boolean): string | undefined {
  const fields = fieldsIn(text);
  const unknown = fields.find((name) => !(messageFields as readonly string[]).includes(name));
  if (unknown !== undefined)
    return `there is no field {${unknown}}; there are ${messageFields.map((name) => `{${name}}`).join(", ")}`;
  if (/[{}]/.test(text.replaceAll(field, ""))) return "a brace is left open; fields are written {guest}";
  if (fields.includes("code") && !pin) return "holds {code}, and pinInMessage is off: write {link}, or turn it on";
  const tells = kind === "code" || kind === "new-code";
  if (tells && !fields.includes("code") && !fields.includes("link"))
    return "must hold {link} or {code}: without it the guest cannot get in";
  return undefined;
}

/** undefined: a field has no value. */
export function filled(text: string, values: MessageValues): string | undefined {
  let isWhole = true;
  const said = text.replaceAll(field, (_, name: string) => {
    const value = values[name as MessageField];
    if (value === undefined) isWhole = false;
    return value ?? "";
  });
  return isWhole ? said : undefined;
}
