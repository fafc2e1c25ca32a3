/** A platform's calendar of one flat, by its export address, which whoever knows it can read: it is the source's key. */
import { z } from "zod";
import type { Millis } from "../../gateway/domain/instant.ts";
import type { SecretString } from "../../gateway/wire/secret.ts";
import { type BookingSource, SourceError } from "./booking-source.ts";
import { type CalendarRules, calendarPlace, readCalendar } from "./calendar.ts";
import { FetchError, fetchPublic } from "./fetch-public.ts";

export interface IcalOptions extends CalendarRules {
  /** The address. */
  readonly key: SecretString;
  /** Origins that may be on a private network and without TLS; unset: none. */
  readonly origins?: readonly string[] | undefined;
  /** Its signal fires after so long, or when the service stops. */
  readonly within: <T>(ms: Millis, work: (signal: AbortSignal) => Promise<T>) => Promise<T>;
}

const answerWithinMs: Millis = 15_000;
const bytesMax = 5 * 1024 * 1024;

/** By which the platform knows what was read last. */
const markSchema = z.object({ etag: z.string().max(900).optional(), modified: z.string().max(100).optional() });

/** undefined: it is none. "webcal:" is what platforms write for a calendar at "https:". */
export function calendarAddress(key: string, origins: readonly string[] = []): URL | undefined {
  const text = key.replace(/^webcals?:/i, "https:");
  if (!URL.canParse(text)) return undefined;
  const address = new URL(text);
  const isPlain = address.username === "" && address.password === "";
  return isPlain && (address.protocol === "https:" || origins.includes(address.origin)) ? address : undefined;
}

export function ical({ key, origins, within, ...rules }: IcalOptions): BookingSource {
  async function ask(signal: AbortSignal, mark: string | null) {
    const address = calendarAddress(key.reveal(), origins);
    if (!address) throw new SourceError("Calendar: its address is none; copy the export address", { retry: false });
    const { etag, modified } = mark === null ? {} : markSchema.parse(JSON.parse(mark));
    const headers = {
      accept: "text/calendar, */*;q=0.1",
      "accept-encoding": "identity",
      "user-agent": "Postern",
      ...(etag !== undefined && { "if-none-match": etag }),
      ...(modified !== undefined && { "if-modified-since": modified }),
    };
    try {
      return await within(answerWithinMs, (late) =>
        fetchPublic(address, { headers, bytesMax, origins, signal: AbortSignal.any([signal, late]) }),
      );
    } catch (error) {
      signal.throwIfAborted();
      const why = error instanceof FetchError ? error.message : "no answer in time";
      throw new SourceError(`Calendar: ${why}`, { retry: true });
    }
  }

  return {
    async readAll(signal, mark) {
      const { status, headers, body } = await ask(signal, mark);
      if (status === 304 && mark !== null) return undefined;
      if (status !== 200) throw refused(status);
      const { bookings, alsoThere } = readCalendar(body, rules);
      const next = markSchema.safeParse({ etag: headers.etag, modified: headers["last-modified"] });
      const hasMark = next.success && (next.data.etag !== undefined || next.data.modified !== undefined);
      return { bookings, alsoThere, mark: hasMark ? JSON.stringify(next.data) : undefined };
    },

    async readPlaces(signal) {
      const { status, body } = await ask(signal, null);
      if (status !== 200) throw refused(status);
      return [{ id: calendarPlace, name: readCalendar(body, rules).name ?? "Calendar" }];
    },
  };
}

function refused(status: number): SourceError {
  const isGone = [401, 403, 404, 410].includes(status);
  return new SourceError(`Calendar: answers ${status}${isGone ? "; copy the export address again" : ""}`, {
    retry: !isGone,
  });
}
