/**
 * The calendars that platforms export, on loopback and without TLS: one for each listing, under a token of its own. What stands in them is
 * changed by what happens there: somebody books, moves, cancels; the host closes days; the platform renews its UIDs.
 */
import { createHash } from "node:crypto";
import type { Clock } from "../../gateway/ports/clock.ts";
import { Faults } from "../faults.ts";
import { type CloudAnswer, type CloudCall, CloudPort, type CloudRequest, type CloudTrouble } from "./cloud-port.ts";

export type Platform = "airbnb" | "booking" | "vrbo" | "other";

/** As it stands in the calendar. */
export interface FeedEvent {
  readonly uid: string;
  /** "2031-03-04". */
  readonly start: string;
  readonly end: string;
  readonly summary: string;
  /** Lines parted by "\n". */
  readonly description?: string | undefined;
  readonly status?: string | undefined;
  /** Further lines, as they are to stand there. */
  readonly more?: readonly string[] | undefined;
}

const prodIds: Readonly<Record<Platform, string>> = {
  airbnb: "-//Airbnb Inc//Hosting Calendar 1.0//EN",
  booking: "-//admin.booking.com\\, b.v.//NONSGML//EN",
  vrbo: "-//HomeAway.com, Inc.//EN",
  other: "-//Some Manager//Export 3//EN",
};

interface Feed {
  readonly platform: Platform;
  readonly events: Map<string, FeedEvent>;
}

export class IcalFeeds {
  readonly #port: CloudPort;
  readonly #feeds = new Map<string, Feed>();
  #last = 0;
  #isRepeating = false;

  constructor({ clock, faults = new Faults() }: { readonly clock: Clock; readonly faults?: Faults }) {
    this.#port = new CloudPort({ clock, faults, answer: (request) => this.#answer(request) });
  }

  get calls(): readonly CloudCall[] {
    return this.#port.calls;
  }

  /** Keeps its port over stop(). */
  start(): Promise<{ url: string }> {
    return this.#port.start();
  }

  stop(): Promise<void> {
    return this.#port.stop();
  }

  trouble(what: CloudTrouble, scope?: Parameters<CloudPort["trouble"]>[1]): void {
    this.#port.trouble(what, scope);
  }

  settle(): void {
    this.#port.settle();
  }

  /** A listing's calendar is exported; answers the path of it. */
  open(token: string, platform: Platform): string {
    this.#feeds.set(token, { platform, events: new Map() });
    return `/calendar/ical/${token}.ics`;
  }

  /** Somebody books, and the platform tells so in its own words. Answers the UID. */
  book(
    token: string,
    start: string,
    end: string,
    { name = "Gil Guest", code, phone = "0000" }: { name?: string; code?: string; phone?: string } = {},
  ): string {
    const { platform } = this.#feed(token);
    const number = this.#next();
    const uid = `${createHash("md5").update(`${token} ${number}`).digest("hex")}`;
    switch (platform) {
      case "airbnb": {
        const own = code ?? `HM${String(number).padStart(8, "0")}`;
        const description = `Reservation URL: https://www.airbnb.com/hosting/reservations/details/${own}\nPhone Number (Last 4 Digits): ${phone}`;
        return this.put(token, { uid: `${uid}@airbnb.com`, start, end, summary: "Reserved", description });
      }
      case "booking":
        return this.put(token, { uid: `${uid}@booking.com`, start, end, summary: "CLOSED - Not available" });
      case "vrbo":
        return this.put(token, { uid, start, end, summary: `Reserved - ${name}` });
      case "other":
        return this.put(token, { uid, start, end, summary: name });
    }
  }

  /** The host closes days, or another platform's stay does. */
  close(token: string, start: string, end: string): string {
    const { platform } = this.#feed(token);
    const uid = `block-${this.#next()}@${platform}.example`;
    const words = { airbnb: "Airbnb (Not available)", booking: "CLOSED - Not available", vrbo: "Blocked" } as const;
    return this.put(token, { uid, start, end, summary: platform === "other" ? "Blocked by Guesty" : words[platform] });
  }

  put(token: string, event: FeedEvent): string {
    this.#feed(token).events.set(event.uid, event);
    return event.uid;
  }

  change(token: string, uid: string, facts: Partial<FeedEvent>): string {
    const { events } = this.#feed(token);
    const before = events.get(uid);
    if (!before) throw new Error(`no event ${uid}`);
    events.delete(uid);
    return this.put(token, { ...before, ...facts });
  }

  /** It is cancelled: calendars say no more of it. */
  remove(token: string, uid: string): void {
    this.#feed(token).events.delete(uid);
  }

  /** Every event stands in its calendar twice, as some managers write them. */
  repeatEvents(isOn: boolean): void {
    this.#isRepeating = isOn;
  }

  #next(): number {
    this.#last += 1;
    return this.#last;
  }

  #feed(token: string): Feed {
    const feed = this.#feeds.get(token);
    if (!feed) throw new Error(`no calendar ${token}`);
    return feed;
  }

  #answer({ method, path, headers }: CloudRequest): CloudAnswer {
    const token = /^(.+)\.ics$/.exec(path[2] ?? "")?.[1];
    const feed = token === undefined ? undefined : this.#feeds.get(token);
    if (method !== "GET" || path[0] !== "calendar" || path[1] !== "ical" || !feed)
      return { status: 404, html: "<html><body>Not found</body></html>" };
    const body = written(feed, this.#isRepeating ? 2 : 1);
    const etag = `"${createHash("sha256").update(body).digest("hex").slice(0, 16)}"`;
    if (headers["if-none-match"] === etag) return { status: 304, headers: { etag } };
    return { status: 200, text: { type: "text/calendar; charset=utf-8", body }, headers: { etag } };
  }
}

function written({ platform, events }: Feed, times: number): string {
  const day = (date: string) => date.replaceAll("-", "");
  const all = Array.from({ length: times }, () => [...events.values()]).flat();
  const lines = all.flatMap(({ uid, start, end, summary, description, status, more = [] }) => [
    "BEGIN:VEVENT",
    `DTSTAMP:20310101T000000Z`,
    `DTSTART;VALUE=DATE:${day(start)}`,
    `DTEND;VALUE=DATE:${day(end)}`,
    `SUMMARY:${escaped(summary)}`,
    `UID:${uid}`,
    ...(description === undefined ? [] : [`DESCRIPTION:${escaped(description)}`]),
    ...(status === undefined ? [] : [`STATUS:${status}`]),
    ...more,
    "END:VEVENT",
  ]);
  const head = ["BEGIN:VCALENDAR", `PRODID:${prodIds[platform]}`, "CALSCALE:GREGORIAN", "VERSION:2.0"];
  return [...head, ...lines, "END:VCALENDAR", ""].flatMap(folded).join("\r\n");
}

function escaped(text: string): string {
  return text.replaceAll(/[\\;,]/g, (one) => `\\${one}`).replaceAll("\n", "\\n");
}

/** Lines of 75 at most, as platforms fold them: in the middle of a URL, if need be. */
function folded(line: string): string[] {
  const first = line.slice(0, 75);
  const rest = line.slice(75).match(/.{1,74}/g) ?? [];
  return [first, ...rest.map((one) => ` ${one}`)];
}
