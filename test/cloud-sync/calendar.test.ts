/** What a platform's calendar says of stays: golden calendars, written by hand from the reference, and whatever is none. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { meaningOf } from "../../cloud-sync/domain/calendar-event.ts";
import { type CalendarRules, readCalendar } from "../../cloud-sync/sources/calendar.ts";
import fc from "../support/fast-check.ts";

const usual: CalendarRules = { zone: "Europe/Madrid", closedIsStay: true, hoursFromCalendar: false };
const golden = (name: string) => readFileSync(join(import.meta.dirname, "../wire/golden/ical", name), "utf8");
function told(name: string, rules: Partial<CalendarRules> = {}) {
  const { bookings } = readCalendar(golden(name), { ...usual, ...rules });
  return bookings.map(({ externalId, status, days, guest, mayBeBlock }) => {
    const { arrival, departure, checkIn, checkOut } = days;
    return [externalId, guest.name, guest.phone, arrival, departure, checkIn, checkOut, status, mayBeBlock].join(" ");
  });
}

describe("a platform's calendar, read", () => {
  test("Airbnb: the code in a folded URL, the end of the telephone number, and no stay of a closed day", () => {
    assert.deepEqual(told("airbnb.ics"), ["HMEXAMPLE1 HMEXAMPLE1 …0142 2031-03-04 2031-03-08   confirmed false"]);
    const { alsoThere } = readCalendar(golden("airbnb.ics"), usual);
    assert.deepEqual(alsoThere, ["7f662ec65913-aa00bb11cc22dd33ee44ff5566778899@airbnb.com"]);
  });

  test("Booking.com: CLOSED may be a guest, and is none where the owner says so", () => {
    assert.deepEqual(told("booking.ics"), [
      "00112233445566778899aabbccddeeff@booking.com Booking.com  2031-03-20 2031-03-23   confirmed true",
      "ffeeddccbbaa99887766554433221100@booking.com Mara Example  2031-04-01 2031-04-05   confirmed false",
    ]);
    assert.equal(told("booking.ics", { closedIsStay: false }).length, 1);
  });

  test("Vrbo: the name behind the dash; it says what it is called", () => {
    assert.deepEqual(told("vrbo.ics"), [
      "0f0e0d0c-0b0a-0908-0706-050403020100 Ines  2031-05-01 2031-05-04   confirmed false",
    ]);
    assert.equal(readCalendar(golden("vrbo.ics"), usual).name, "Beach flat");
  });

  test("a manager's: lines of the description, moments as the site's days, half a stay told by its length; the rest is no stay", () => {
    assert.deepEqual(told("manager.ics"), [
      "BK-77 Nils Beispiel +34 600 000 001 2031-06-01 2031-06-05   confirmed false",
      "stay-2 Late Lena  2031-06-11 2031-06-12   confirmed false",
      "stay-3 Otto Muster  2031-07-01 2031-07-03   tentative false",
    ]);
    const { alsoThere, bookings } = readCalendar(golden("manager.ics"), usual);
    assert.deepEqual(alsoThere, ["stay-4", "stay-5", "stay-6", "stay-7"]);
    assert.equal(bookings[0]?.guest.email, "nils@example.org");
  });

  test("its hours count where the owner says so", () => {
    assert.deepEqual(told("manager.ics", { hoursFromCalendar: true }), [
      "BK-77 Nils Beispiel +34 600 000 001 2031-06-01 2031-06-05 16:00 10:00 confirmed false",
      "stay-2 Late Lena  2031-06-11 2031-06-12 00:30 11:00 confirmed false",
      "stay-3 Otto Muster  2031-07-01 2031-07-03 17:30  tentative false",
    ]);
  });

  for (const zone of ["UTC", "America/New_York", "Asia/Tokyo", "Pacific/Kiritimati"])
    test(`a day is the same day where the process runs in ${zone}`, () => {
      const before = process.env.TZ;
      process.env.TZ = zone;
      try {
        assert.match(told("airbnb.ics")[0]!, /2031-03-04 2031-03-08/);
      } finally {
        if (before === undefined) delete process.env.TZ;
        else process.env.TZ = before;
      }
    });
});

describe("whatever is no whole calendar is refused, in words", () => {
  const whole = golden("airbnb.ics");
  const event = (lines: string) => whole.replace("BEGIN:VEVENT", `BEGIN:VEVENT\r\n${lines}`);
  for (const [what, text, why] of [
    ["a web page", "<!DOCTYPE html><html><body>Sign in</body></html>", /web page, not a calendar; copy the export/],
    ["a page without a doctype", " <html lang=en>", /web page/],
    ["JSON", '{"error": "no"}', /no calendar/],
    ["nothing", " \r\n", /empty answer/],
    ["the half of it", whole.slice(0, whole.length / 2), /not whole/],
    ["one that breaks off behind an event", whole.replace("END:VCALENDAR\r\n", ""), /not whole/],
    ["one whose event does not end", whole.replace("END:VEVENT\r\n", ""), /no whole calendar/],
    ["6,000 events", whole.replace(/BEGIN:VEVENT[\s\S]*END:VEVENT\r\n/, (one) => one.repeat(3_000)), /more than 5000/],
    ["a line of a million parameters", event(`SUMMARY${";A=1".repeat(1_000_000)}:x`), /line without an end/],
    ["a line that is none", event("what is this"), /no whole calendar/],
  ] as const)
    test(what, () => {
      assert.throws(() => readCalendar(text, usual), { name: "SourceError", message: why });
    });

  test("every beginning of it, and it with a byte spoilt: it is read or refused, and nothing else", () => {
    fc.assert(
      fc.property(fc.nat(whole.length), fc.string({ maxLength: 4 }), fc.boolean(), (at, junk, isCut) => {
        const text = isCut ? whole.slice(0, at) : whole.slice(0, at) + junk + whole.slice(at + 1);
        try {
          for (const { days } of readCalendar(text, usual).bookings) assert.ok(days.arrival < days.departure);
        } catch (error) {
          assert.equal((error as Error).name, "SourceError", String((error as Error).stack));
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("whose a stay is", () => {
  const event = { uid: "u", description: "", url: "", nights: 3 };
  const rules = { closedIsStay: true };
  for (const [summary, name] of [
    ["Reserved - Ines", "Ines"],
    ["CLOSED - Mara Example", "Mara Example"],
    ["Tripadvisor (Holiday Lettings): Otto", "Otto"],
    ["Anna-Lena Smith-Jones", "Anna-Lena Smith-Jones"],
    ["Closed - Not available", "Reserved"],
  ] as const)
    test(`${summary}: ${name}`, () => {
      const meaning = meaningOf({ ...event, summary }, rules);
      assert.equal(meaning.is === "stay" && meaning.guest.name, name);
    });

  test("CLOSED for a season is no guest, for three months it may be", () => {
    const closed = { ...event, summary: "CLOSED - Not available" };
    assert.deepEqual(meaningOf({ ...closed, nights: 91 }, rules), { is: "nothing" });
    assert.equal(meaningOf({ ...closed, nights: 90 }, rules).is, "stay");
  });

  for (const summary of ["Reserved", "Airbnb (Not available)", "Blocked by Guesty", "BLOCKED", "Unavailable", ""])
    test(`${summary || "nothing"}: no stay`, () => {
      assert.deepEqual(meaningOf({ ...event, summary }, rules), { is: "nothing" });
    });
});
