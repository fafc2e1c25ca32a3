/**
 * Requests and answers that were written down by hand from a maker's description, played against a service. A golden answer names what
 * a client may rely on; more may be there. "$int", "$text", "$date" and "$uuid" stand for what the service chooses; "$int:name" keeps it,
 * and "{name}" says it again in a later request.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

type Fields = Readonly<Record<string, unknown>>;

export interface GoldenExchange {
  readonly name: string;
  readonly ask: {
    readonly method: string;
    /** After the address of the service. */
    readonly path: string;
    readonly headers?: Readonly<Record<string, string>>;
    /** An object is sent as JSON, a string as it stands. */
    readonly body?: unknown;
  };
  readonly answer: {
    readonly status: number;
    readonly headers?: Readonly<Record<string, string>>;
    /** A string is held against the text, anything else against the JSON; absent: the answer has no body. */
    readonly body?: unknown;
  };
}

const kinds: Readonly<Record<string, (value: unknown) => boolean>> = {
  int: Number.isInteger,
  text: (value) => typeof value === "string" && value !== "",
  date: (value) => typeof value === "string" && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$/.test(value),
  uuid: (value) => typeof value === "string" && /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/.test(value),
};

export function goldenExchanges(file: string): readonly GoldenExchange[] {
  return JSON.parse(readFileSync(new URL(`../wire/golden/${file}`, import.meta.url), "utf8")).exchanges;
}

/** `kept`: what "{name}" stands for, and where "$kind:name" is kept. */
export async function playExchange(
  { name, ask, answer }: GoldenExchange,
  { url, kept, signal }: { readonly url: string; readonly kept: Map<string, string>; readonly signal: AbortSignal },
): Promise<void> {
  const filled = fill(ask, kept) as GoldenExchange["ask"];
  const isText = typeof filled.body === "string";
  const response = await fetch(url + filled.path, {
    method: filled.method,
    headers: { ...(filled.body !== undefined && !isText && { "content-type": "application/json" }), ...filled.headers },
    ...(filled.body !== undefined && { body: isText ? String(filled.body) : JSON.stringify(filled.body) }),
    signal,
  });
  const said = await response.text();
  assert.equal(response.status, answer.status, `${name}: ${said}`);
  for (const [header, value] of Object.entries(answer.headers ?? {}))
    compare(value, response.headers.get(header), `${name}: header ${header}`, kept);
  const isJson = typeof answer.body === "object";
  compare(answer.body ?? "", isJson ? JSON.parse(said) : said, name, kept);
}

function compare(golden: unknown, said: unknown, where: string, kept: Map<string, string>): void {
  const [, kind, keptAs] = typeof golden === "string" ? (/^\$(int|text|date|uuid)(?::(\w+))?$/.exec(golden) ?? []) : [];
  if (kind !== undefined) {
    assert.ok(kinds[kind]?.(said), `${where}: ${JSON.stringify(said)} instead of ${golden}`);
    if (keptAs !== undefined) kept.set(keptAs, String(said));
  } else if (Array.isArray(golden)) {
    assert.ok(Array.isArray(said), `${where}: ${JSON.stringify(said)} is not a list`);
    assert.equal(said.length, golden.length, `${where}: ${JSON.stringify(said)}`);
    for (const [index, one] of golden.entries()) compare(one, said[index], `${where}[${index}]`, kept);
  } else if (typeof golden === "object" && golden !== null) {
    assert.ok(typeof said === "object" && said !== null, `${where}: ${JSON.stringify(said)}`);
    for (const [key, value] of Object.entries(golden)) {
      assert.ok(key in said, `${where}.${key} is not there`);
      compare(value, (said as Fields)[key], `${where}.${key}`, kept);
    }
  } else assert.deepEqual(said, fill(golden, kept), where);
}

/** Numbers stay numbers: "{name}" alone becomes the kept number. */
function fill(value: unknown, kept: ReadonlyMap<string, string>): unknown {
  if (typeof value === "string") {
    const alone = /^\{(\w+)\}$/.exec(value)?.[1];
    const number = alone === undefined ? undefined : kept.get(alone);
    if (number !== undefined && /^\d+$/.test(number)) return Number(number);
    return value.replaceAll(/\{(\w+)\}/g, (whole, name: string) => kept.get(name) ?? whole);
  }
  if (Array.isArray(value)) return value.map((one) => fill(one, kept));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, fill(one, kept)]));
}
