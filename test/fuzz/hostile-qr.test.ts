/** What somebody may hold under a guard's camera instead of a pass: each is denied in words or refused by its field, and nothing else happens. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { normalizeSecret } from "../../gateway/domain/credential.ts";
import { denialTexts } from "../../gateway/domain/denial-text.ts";
import type { LogFields, Logger } from "../../gateway/ports/logger.ts";
import { aGuardedGate, leasUid } from "../support/guarded-gate.ts";
import { Random } from "../support/random.ts";
import { aSignedPass, goldenPasses, otherKey } from "../support/signed-passes.ts";
import { SimDisk } from "../support/sim-disk.ts";
import { rosa } from "../support/staffed-gate.ts";
import { times } from "./fuzz.ts";

const payloads = times(10_000);
/** Shorter ones may stand in a text by chance. */
const tellingLength = 10;
const uidMax = 2_048;
const bodyMax = 16 * 1024;
/** As many as the gateway answers one address. */
const pauseMs = 20;
/** However many are denied, the guard's list goes back so far, and so many looks wait for a word. */
const boundOf = { visits: 2_000, looks: 200 };

const digits = "0123456789";
const letters = "ABCDEFGHJKMNPQRSTUVWXYZ";
/** Neither reads as the other, however badly it is typed. */
const distinctDigits = "23456789";
const distinctLetters = "ABCDEFGHJKMNPQRSTUVWXYZ";

const base32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/** It would open: the gateway's site has signed it. */
const genuine = aSignedPass();

const scripts = [
  "<script>alert(1)</script>",
  '"><img src=x onerror=alert(1)>',
  "javascript:alert(document.cookie)",
  "' OR '1'='1' --",
  "'; DROP TABLE grants; --",
  "{{7*7}}<%= 7*7 %>#{7*7}",
  "$(reboot)`reboot`;reboot|reboot",
  "../../../../etc/passwd",
  "%2e%2e%2f%00",
  "=cmd|' /C calc'!A0",
  "\u001b[2J\u001b]0;owned\u0007",
  "line\r\nset-cookie: guard=1\r\n\r\n",
  '{"record_uid":"VIS-10482-KQX"}',
  '{"$ne":null}',
  "__proto__",
  "constructor",
];
const places = ["https://evil.example/", "http://localhost/v/", "wifi:T:WPA;S:gate;;", "tel:+34600", "BEGIN:VCARD\n"];
const marks = ["\u0000", "\u202e", "\u200b", "\ufeff", "\ud800", "\udfff", "\u0301", "\ufdfa", "\u{1f600}", "ß", "ŉ"];

type Kind = (random: Random, site: Known) => string;
interface Known {
  /** By which the gateway finds Lea's pass. */
  readonly index: string;
}

const some = (random: Random, from: string, length: number) =>
  Array.from({ length }, () => from[random.int(from.length)]).join("");
const aUid = (random: Random) => `VIS-${some(random, digits, 5)}-${some(random, letters, 3)}`;
const between = (random: Random, text: string, what: string) => {
  const at = random.int(text.length + 1);
  return text.slice(0, at) + what + text.slice(at);
};

const kinds: Readonly<Record<string, Kind>> = {
  length: (random) => some(random, `${letters}${digits}-`, random.pick([1, 2, 40, 500, uidMax, uidMax + 1, bodyMax])),
  unicode: (random) =>
    Array.from({ length: 1 + random.int(30) }, () =>
      random.chance(0.5) ? random.pick(marks) : String.fromCharCode(random.int(0x10000)),
    ).join(""),
  script: (random) => between(random, random.pick(scripts), random.chance(0.5) ? leasUid : aUid(random)),
  address: (random) => random.pick(places) + (random.chance(0.5) ? leasUid : aUid(random)),
  otherSites: aUid,
  nearMiss: (random) => {
    const at = random.pick([4, 5, 6, 7, 8, 10, 11, 12]);
    const other = (at < 9 ? distinctDigits : distinctLetters).replace(leasUid[at]!, "");
    const near = leasUid.slice(0, at) + random.pick([...other]) + leasUid.slice(at + 1);
    return random.chance(0.2) ? between(random, near, random.pick(marks)) : near;
  },
  shorterOrLonger: (random) =>
    random.chance(0.5)
      ? leasUid.slice(0, 1 + random.int(leasUid.length - 1))
      : leasUid + some(random, digits, 1 + random.int(4)),
  twice: (random) => leasUid + random.pick(["", " ", "\n", "\u0000", "|"]) + random.pick([leasUid, aUid(random)]),
  forgedId: (random, { index }) =>
    random.pick([
      "pass",
      "credential-pass",
      "person-lea",
      "X-77",
      rosa.id,
      index,
      `pass:${index}`,
      index.toLowerCase(),
    ]),
  forgedSignature: (random) => {
    const at = random.int(genuine.length);
    const other = random.pick([...base32.replace(genuine[at]!, "")]);
    return random.pick([
      genuine.slice(0, at) + other + genuine.slice(at + 1),
      genuine.slice(0, at) + genuine.slice(at + 1),
      between(random, genuine, some(random, base32, 1 + random.int(8))),
      between(random, genuine, random.pick(marks)),
      genuine.slice(0, 1 + random.int(genuine.length - 1)),
      genuine.toLowerCase(),
      genuine + genuine,
      `${genuine.slice(0, 4)}${some(random, base32, genuine.length - 4)}`,
      aSignedPass({ entries: 1 + random.int(65_535) }, otherKey),
      aSignedPass({ site: random.pick(["site-2", "site-1 ", ""]) }),
      ...Object.values(goldenPasses.noPasses),
    ]);
  },
};

test(`${payloads} hostile QR codes: each is denied in both languages' words or refused, and nothing else happens`, async () => {
  const logged: string[] = [];
  const log = (event: string, fields?: LogFields) => void logged.push(JSON.stringify([event, fields]));
  const logger: Logger = { debug: log, info: log, warn: log, error: log, child: () => logger };
  const gate = await aGuardedGate({ entriesAllowed: 1 }, {}, new SimDisk(), { photo: "optional" }, logger);
  const { site, heard } = gate;
  const known = { index: site.seal.index("pass", leasUid) };
  const names = Object.keys(kinds);
  let denials = 0;
  for (let number = 0; number < payloads; number += 1) {
    const random = new Random(number);
    const name = names[number % names.length]!;
    const uid = kinds[name]!(random, known);
    const where = `${name}, seed ${number}`;
    // A camera that adds something to it has read Lea's pass all the same.
    if (normalizeSecret("pass", uid) === normalizeSecret("pass", leasUid)) {
      assert.notEqual(name, "nearMiss", where);
      continue;
    }
    if (uid.trim() === genuine) continue;
    gate.pass(pauseMs);
    const before = site.journal.durableSeq;
    const language = number % 2 === 0 ? "en" : "es";
    const isWord = random.chance(0.2);
    const answer = await gate.ask("POST", isWord ? "/log-entry" : "/validate-qr", {
      cookie: gate.cookie,
      json: { record_uid: uid, ...(isWord && { nonce: `hostile-${String(number).padStart(12, "0")}` }) },
      headers: { "accept-language": language },
    });
    const body = JSON.parse(answer.text);
    await gate.site.journal.flushed();
    if (answer.status === 200) {
      denials += 1;
      assert.deepEqual([body.access_granted, body.visitor, body.reason], [false, null, "OFFLINE_NO_CACHE"], where);
      assert.equal(body.message, denialTexts.OFFLINE_NO_CACHE[language], where);
      assert.equal(site.journal.durableSeq, before + 1, `${where}: one line is written`);
    } else {
      assert.equal(answer.status, JSON.stringify({ record_uid: uid }).length > bodyMax - 100 ? 413 : 400, where);
      if (answer.status === 400) assert.equal(body.errors[0].field, "body.record_uid", where);
      assert.equal(site.journal.durableSeq, before, `${where}: nothing is written`);
    }
    if (uid.length >= tellingLength) {
      const told = logged.splice(0).join("\n");
      for (const text of [uid, JSON.stringify(uid).slice(1, -1)]) {
        assert.ok(!told.includes(text), `${where}: it stands in the log`);
        assert.ok(!answer.text.includes(text), `${where}: it comes back`);
      }
    } else logged.length = 0;
    assert.ok(site.scannedAt.size <= boundOf.looks, where);
  }

  assert.ok(denials > payloads / 2);
  assert.deepEqual(heard, [], "the strike has not moved");
  assert.deepEqual(await gate.events("admitted", "released", "void", "pass-guessing"), []);
  // Guesses are written down while there is room for little else; with a guard who watches these are none.
  assert.equal(site.records.attempts.ofLastDay("pass", site.clock.monotonic()).count, 0);
  assert.ok([...site.records.visits.newest()].length <= boundOf.visits);
  for (const event of await gate.events("denied")) {
    const { type, accessPoint, via, reason, scan, ...more } = event as typeof event & Record<string, unknown>;
    assert.deepEqual(
      [type, accessPoint, via, reason, scan, Object.keys(more).filter((key) => key !== "unproven")],
      ["denied", "front", "pass", "OFFLINE_NO_CACHE", { staff: rosa.id }, ["revision"]],
    );
  }
  const { body } = await gate.enter({ record_uid: leasUid, nonce: "hostile-and-then-lea" });
  assert.deepEqual([body.access_granted, body.gate, heard.length], [true, "open", 1], "the guard goes on");
  const signed = await gate.enter({ record_uid: genuine, nonce: "hostile-and-then-signed" });
  assert.deepEqual([signed.body.access_granted, heard.length], [true, 2], "so does the one that was forged");
});
