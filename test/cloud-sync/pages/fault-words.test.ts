/** What the API objects to is said in every language of the pages: whoever adds a message adds its words, or says why no page shows it. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { es } from "../../../cloud-sync/pages/words/es.ts";

const root = join(import.meta.dirname, "../../..");

/** Messages that no form can bring about: what they are about is chosen from a list, made by the page itself, or asked by programs alone. */
const neverOnPages = [
  /^a 7 has a value of its own/,
  /^printable characters without spaces/,
  /^the given value has its own length/,
  /^must be after from/,
  /^name what is to change|^name at least one field/,
  /^one of its codes has been given to another grant/,
  /^it was revoked; make a new one/,
  /^is not before `until`/,
  /^two small letters, as in ISO 639-1/,
  /^base64url without padding/,
  /^not a page of this list/,
  /^another gateway in service has the access point/,
  /^the first line is not JSON/,
  /^has ended; poll and begin again/,
  /^1 to 100 printable characters|^came before with another request/,
  /^does not answer what was asked here|^its counter went back/,
  /^at most 7 bytes/,
  /^64 hex digits/,
];

/** The literals in the places where a message stands: fieldProblem's second argument, zod's refinements, and `message` or `why` of a refusal. */
function messagesIn(source: string): string[] {
  const literal = String.raw`("(?:[^"\\]|\\.)+"|\`(?:[^\`\\]|\\.)+\`)`;
  const places = [
    String.raw`fieldProblem\(\s*(?:[^,()]|\([^()]*\))+,\s*${literal}`,
    String.raw`\.refine\((?:[^"\`]|\n)*?,\s*${literal}`,
    String.raw`\.regex\(\/.*\/[a-z]*,\s*${literal}`,
    String.raw`\b(?:message|why)(?::| =)\s*${literal}`,
  ];
  return places.flatMap((place) =>
    [...source.matchAll(new RegExp(place, "g"))].map(([, text = ""]) =>
      text.slice(1, -1).replaceAll(/\$\{[^}]*\}/g, "7"),
    ),
  );
}

/** Of literals that only make sense together, and of those behind a condition. */
const composed = [
  "nothing at Gate reads PINs, and PINs are not possible on this lock: its maker has none; leave it out",
  "PINs are not possible at Gate: nothing there reads them, and its lock keeps none; leave it out",
  "the lock of Shed takes 7 digits, and PINs have 4 to 6 digits",
  "the lock of Shed opens by itself and knows no weekly hours; leave out the schedule or Shed",
  "the lock of Shed opens by itself and may be written for 2 openings a week: this schedule has 5 openings a week; leave out the schedule or Shed",
  "the lock of Shed opens by itself and keeps one span of hours on some days, or may be written for 2 openings a week: this schedule has 5 openings a week; leave out the schedule or Shed",
  "the lock of Shed opens by itself and keeps one span of hours on some days: this schedule has 5 openings a week; leave out the schedule or Shed",
  "name the site; there are several",
  "there is no site yet",
  "name the gateway; there are several",
  "the site has no gateway in service yet",
  "is needed: what was given before cannot be read again",
  "is needed, or refreshToken: what was given before cannot be read again",
  "name the doors it is for",
  "the site has no door yet",
  'Invalid option: expected one of "admin"|"support"',
  "Invalid input: expected string, received undefined",
  "Too big: expected string to have <=100 characters",
  "Too small: expected string to have >=1 characters",
  "Invalid email address",
  "The body is not a form.",
  "needs at least 10 characters",
  "is one that many people use: choose another",
];

const files = globSync(["cloud-sync/*.ts", "cloud-sync/{routes,people,domain}/*.ts"], { cwd: root }).filter(
  (file) => !/gateway-routes|read-event|note-refusal|audit-facts/.test(file),
);
const isWhole = (message: string) => !message.startsWith("7") && message.includes(" ");
const found = files.flatMap((file) => messagesIn(readFileSync(join(root, file), "utf8"))).filter(isWhole);
const messages = new Set([...found, ...composed]);

describe("a message of the API", () => {
  test("is found where it stands", () => {
    for (const known of ["lies in the past", "not an IANA time zone", "is named twice", "there is no site 7"])
      assert.ok(found.includes(known), known);
  });

  for (const message of messages)
    test(`is said in Spanish: ${message}`, () => {
      if (neverOnPages.some((pattern) => pattern.test(message))) return;
      assert.ok(
        es.faults.some(([pattern]) => pattern.test(message)),
        "give it a line in words/es/faults.ts",
      );
    });
});
