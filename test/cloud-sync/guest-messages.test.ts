/** What guests are told and when, purely: what is so by then, at an hour for people, and never too late. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { toE164 } from "../../cloud-sync/channels/phone-number.ts";
import { afterWord, type DeliveryWord, deliveryWords, messageStates } from "../../cloud-sync/domain/delivery.ts";
import {
  type MessageFacts,
  type MessageKind,
  messageKinds,
  planMessage,
  quietEnd,
  type Telling,
} from "../../cloud-sync/domain/guest-messages.ts";
import { fieldsIn, filled, messageFields, objectionTo } from "../../cloud-sync/domain/message-text.ts";
import { noteInWords } from "../../cloud-sync/guest-note.ts";
import { usualSettings } from "../../cloud-sync/store/message-settings.ts";
import { guestTexts } from "../../cloud-sync/templates/texts.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import fc from "../support/fast-check.ts";

const minute = 60_000;
const hour = 60 * minute;
const zone = "Europe/Madrid";
// Wednesday 2031-03-05, 15:00 in Madrid.
const begins = Date.UTC(2031, 2, 5, 14);
const facts: MessageFacts = { from: begins, until: begins + 72 * hour, doors: ["front"], code: "index" };
const ready = [{ accessPoint: "front", state: "gateway-decides", isConfirmed: true }] as const;
const waiting = [{ accessPoint: "front", state: "waiting-lock", isConfirmed: true }] as const;

const telling = (change: Partial<Telling> = {}): Telling => ({
  status: "confirmed",
  beginsAt: begins,
  present: facts,
  doors: ready,
  wantedSince: begins - 48 * hour,
  onSince: 0,
  newest: null,
  told: null,
  quiet: { from: "22:00", until: "08:00" },
  zone,
  ...change,
});
const told = (kind: MessageKind, says: MessageFacts = facts): Pick<Telling, "newest" | "told"> => ({
  newest: { kind, says, standing: "told", at: begins - 40 * hour },
  told: { kind, says },
});
/** "kind, proven or not, how long before check-in in hours", or "nothing". */
const planned = (facts: Telling, now: number) => {
  const step = planMessage(facts, now);
  if (step.do === "nothing") return "nothing";
  return `${step.message.kind} ${step.isProven ? "proven" : "unproven"} ${(begins - step.at) / hour}`;
};

describe("the code", () => {
  test("is told when the doors have confirmed it, and not before", () => {
    const now = begins - 27 * hour;
    assert.equal(planned(telling(), now), "code proven 27");
    const step = planMessage(telling({ doors: waiting }), now);
    assert.deepEqual(step, { do: "nothing", drop: false, lookAt: now + minute });
  });

  test("is told when a gateway has it for a lock that is given codes only when they begin; while its gateway has it not, it waits", () => {
    const ahead = (isConfirmed: boolean) => [{ accessPoint: "front", state: "not-due", isConfirmed }] as const;
    assert.equal(planned(telling({ doors: ahead(true) }), begins - 27 * hour), "code proven 27");
    assert.equal(planned(telling({ doors: ahead(false) }), begins - 27 * hour), "nothing");
  });

  test("is told two hours before check-in whatever the doors say, and says so", () => {
    assert.equal(planned(telling({ doors: waiting }), begins - 2 * hour - 1), "nothing");
    assert.equal(planned(telling({ doors: waiting }), begins - 2 * hour), "code unproven 2");
    const late = telling({ doors: waiting, wantedSince: begins - hour });
    assert.equal(planned(late, begins - hour + 9 * minute), "nothing");
    assert.equal(planned(late, begins - hour + 10 * minute), `code unproven ${50 / 60}`);
  });

  test("is told once; when it could not be told, again when something changes", () => {
    assert.equal(planned(telling(told("code")), begins - 20 * hour), "nothing");
    const newest = { kind: "code", says: facts, standing: "waiting", at: begins - 40 * hour } as const;
    assert.equal(planned(telling({ newest }), begins - 20 * hour), "nothing");
    const failed = telling({ newest: { ...newest, standing: "failed" } });
    assert.equal(planned(failed, begins - 20 * hour), "nothing");
    assert.equal(planned({ ...failed, wantedSince: begins - 39 * hour }, begins - 20 * hour), "code proven 20");
  });

  test("is told to nobody who is to have none", () => {
    for (const change of [
      { present: null },
      { status: "tentative" },
      { status: "cancelled" },
      { status: "completed" },
    ] as const)
      assert.equal(planned(telling(change), begins - 20 * hour), "nothing");
    assert.equal(planned(telling(), facts.until), "nothing");
  });
});

test("whoever was in the house before guests were told is told of changes, and of no code they came in by", () => {
  const since = { onSince: begins + hour };
  assert.equal(planned(telling(since), begins + 2 * hour), "nothing");
  assert.equal(planned(telling({ onSince: begins - hour }), begins - 30 * minute), "code proven 0.5");
  const longer = { ...facts, until: facts.until + 24 * hour };
  assert.match(planned(telling({ ...since, ...told("code"), present: longer }), begins + 2 * hour), /^changed/);
});

describe("a change", () => {
  const moved = { ...facts, until: facts.until + 24 * hour };

  test("is told when what was told is wrong by now, and no other", () => {
    assert.equal(planned(telling({ ...told("code"), present: moved }), begins - 20 * hour), "changed proven 20");
    const otherDoor = { ...facts, doors: ["front", "street"] };
    assert.equal(planned(telling({ ...told("code"), present: otherDoor }), begins - 20 * hour), "changed proven 20");
    assert.equal(planned(telling({ ...told("changed", moved), present: moved }), begins - 20 * hour), "nothing");
    const earlier = { ...facts, from: facts.from - hour };
    assert.equal(planned(telling({ ...told("code"), present: earlier }), begins + hour), "nothing");
  });

  test("of one that waits takes its place: the guest hears the newest alone", () => {
    const newest = { kind: "code", says: facts, standing: "waiting", at: begins - 40 * hour } as const;
    assert.equal(planned(telling({ newest, present: moved }), begins - 20 * hour), "code proven 20");
    const back = planMessage(
      telling({ ...told("code"), newest: { ...newest, kind: "changed", says: moved } }),
      begins - 20 * hour,
    );
    assert.deepEqual(back, { do: "nothing", drop: true, lookAt: null });
  });

  test("to other digits is a new code; back to the first digits is another", () => {
    const renewed = { ...facts, code: "other" };
    assert.equal(planned(telling({ ...told("code"), present: renewed }), begins - 20 * hour), "new-code proven 20");
    assert.equal(planned(telling({ ...told("new-code", renewed) }), begins - 20 * hour), "new-code proven 20");
  });

  test("that calls the stay off is told to whoever was told of it, once; and what comes after is a code anew", () => {
    const off = { status: "cancelled", present: null } as const;
    assert.equal(planned(telling({ ...off, ...told("code") }), begins - 20 * hour), "cancelled proven 20");
    assert.equal(planned(telling(off), begins - 20 * hour), "nothing");
    assert.equal(planned(telling({ ...off, ...told("cancelled") }), begins - 20 * hour), "nothing");
    assert.equal(planned(telling({ ...off, ...told("code") }), facts.until), "nothing");
    assert.equal(planned(telling(told("cancelled")), begins - 20 * hour), "code proven 20");
  });
});

describe("quiet hours", () => {
  const at = (text: string) => Temporal.ZonedDateTime.from(`${text}[${zone}]`).epochMilliseconds;

  test("hold a message back until the morning", () => {
    const step = planMessage(telling(), at("2031-03-04T23:30"));
    assert.equal(step.do === "tell" && step.at, at("2031-03-05T08:00"));
    assert.equal(
      planned(telling(), at("2031-03-04T21:59")),
      planned(telling({ quiet: { from: "00:00", until: "00:00" } }), at("2031-03-04T21:59")),
    );
  });

  test("but never beyond two hours before check-in", () => {
    const early = telling({ beginsAt: at("2031-03-05T09:00") });
    const step = planMessage(early, at("2031-03-04T23:30"));
    assert.equal(step.do === "tell" && step.at, at("2031-03-05T07:00"));
    const now = at("2031-03-05T07:30");
    const late = planMessage(early, now);
    assert.equal(late.do === "tell" && late.at, now);
  });

  test("let a guest in the house sleep over a longer stay, and wake one whose code is another now", () => {
    const night = at("2031-03-07T03:00");
    const longer = planMessage(
      telling({ ...told("code"), present: { ...facts, until: facts.until + 24 * hour } }),
      night,
    );
    assert.equal(longer.do === "tell" && longer.at, at("2031-03-07T08:00"));
    const renewed = planMessage(telling({ ...told("code"), present: { ...facts, code: "other" } }), night);
    assert.equal(renewed.do === "tell" && renewed.at, night);
  });

  test("follow the clock on the wall over its changes, and may be none", () => {
    const quiet = { from: "22:00", until: "08:00" };
    assert.equal(quietEnd(quiet, zone, at("2031-03-30T00:30")), at("2031-03-30T08:00"));
    assert.equal(at("2031-03-30T08:00") - at("2031-03-29T22:00"), 9 * hour);
    assert.equal(quietEnd(quiet, zone, at("2031-10-26T01:00")), at("2031-10-26T08:00"));
    assert.equal(quietEnd(quiet, zone, at("2031-03-05T08:00")), undefined);
    assert.equal(quietEnd({ from: "13:00", until: "15:00" }, zone, at("2031-03-05T14:00")), at("2031-03-05T15:00"));
    assert.equal(quietEnd({ from: "08:00", until: "08:00" }, zone, at("2031-03-05T03:00")), undefined);
  });

  test("whatever the hours, a message leaves now or later, and two hours before check-in at the latest", () => {
    const hourText = fc.integer({ min: 0, max: 23 }).map((one) => `${`${one}`.padStart(2, "0")}:00`);
    fc.assert(
      fc.property(hourText, hourText, fc.integer({ min: 0, max: 48 * 60 }), (from, until, left) => {
        const now = begins - left * minute;
        const step = planMessage(telling({ quiet: { from, until } }), now);
        assert.ok(step.do === "tell" && step.at >= now);
        assert.ok(step.at <= Math.max(now, begins - 2 * hour));
      }),
    );
  });
});

describe("the words", () => {
  test("of every language have every kind with known fields, and what lets the guest in", () => {
    for (const [language, { texts, subjects, wifi }] of Object.entries(guestTexts))
      for (const kind of messageKinds) {
        for (const text of [texts[kind].link, texts[kind].pin])
          assert.equal(objectionTo(text, kind, true), undefined, `${language} ${kind}`);
        assert.deepEqual(fieldsIn(subjects[kind]), ["property"]);
        assert.deepEqual(fieldsIn(wifi), ["wifi"]);
        assert.ok(!texts[kind].link.includes("{code}"), `${language} ${kind}`);
      }
  });

  test("refuse a field there is not by its name, an open brace, digits where they are not wanted, and a code nobody can reach", () => {
    const objections = [
      objectionTo("Hello {gest} {link}", "code", false),
      objectionTo("Hello {guest {link}", "code", false),
      objectionTo("Hello {guest}: {code}", "code", false),
      objectionTo("Hello {guest}", "code", true),
      objectionTo("Hello {guest}", "cancelled", false),
      objectionTo("{link}", "code", false),
    ];
    for (const [index, words] of [/\{gest\}.*\{guest\}/, /brace|\{guest \{link/, /pinInMessage/, /must hold/].entries())
      assert.match(objections[index] ?? "", words);
    assert.deepEqual(objections.slice(4), [undefined, undefined]);
  });

  test("are filled whole or not at all, and no value is read for fields", () => {
    assert.equal(filled("{guest}: {link}", { guest: "{code}", link: "here", code: "1" }), "{code}: here");
    assert.equal(filled("{guest}: {wifi}", { guest: "Ana" }), undefined);
    assert.ok(messageFields.every((name) => filled(`{${name}}`, { [name]: "x" }) === "x"));
  });
});

test("what is told of a message never goes back, whatever the order and however often", () => {
  const word = fc.constantFrom(...deliveryWords);
  const state = (words: readonly DeliveryWord[]) => words.reduce(afterWord, "sending");
  fc.assert(
    fc.property(fc.array(word, { maxLength: 8 }), fc.nat(), (words, seed) => {
      const turned = words.map((one, index) => [(index * 7 + seed) % 11, one] as const).sort(([a], [b]) => a - b);
      assert.equal(state(words), state(turned.map(([, one]) => one)));
      assert.equal(state(words), state([...words, ...words]));
    }),
  );
  assert.deepEqual(
    [state(["failed", "sent"]), state(["delivered", "failed"]), state(["failed", "delivered"])],
    ["failed", "delivered", "delivered"],
  );
  assert.ok(messageStates.includes("unknown"));
});

test("telephone numbers are E.164, or of a country that somebody has said", () => {
  for (const [text, country, number] of [
    ["+34 612 345 697", null, "+34612345697"],
    ["0034612345697", null, "+34612345697"],
    ["612 34 56 97", "ES", "+34612345697"],
    ["07911 123456", "GB", "+447911123456"],
    ["06 12345678", "IT", "+390612345678"],
    ["612345697", null, undefined],
    ["5697", "ES", undefined],
    ["hidden by the site", "ES", undefined],
    ["612345697", "Spain", undefined],
    [null, "ES", undefined],
  ] as const)
    assert.equal(toE164(text, country), number, `${text} ${country}`);
});

test("what is called off tells no digits, neither in words nor to a template; without a page a spare's are told ahead", () => {
  const inWords = (kind: MessageKind, pinInMessage: boolean) => {
    const { text, values } = noteInWords({
      ...{
        kind,
        says: facts,
        isProven: true,
        guest: "Greta",
        language: "en",
        property: "Attic",
        zone,
        doors: ["Front"],
      },
      ...{ code: new SecretString("445566"), link: undefined, wifi: null, isEarlySpare: true },
      settings: { ...usualSettings, pinInMessage },
    });
    return [text, ...values].map((one) => one.reveal());
  };
  for (const pinInMessage of [false, true]) {
    assert.doesNotMatch(inWords("cancelled", pinInMessage).join(), /445566/);
    assert.match(inWords("code", pinInMessage)[0]!, /445566/);
  }
});
