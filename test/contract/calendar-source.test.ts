import { IcalFeeds } from "../../firmware-sim/links/ical-feeds.ts";
import { type BookingAccountServer, bookingSourceContract } from "./booking-source.ts";

const html = { status: 200, html: "<!doctype html><html><body>Sign in</body></html>" };
const often = { times: 10_000 };

bookingSourceContract("calendars", (clock): BookingAccountServer => {
  const feeds = new IcalFeeds({ clock });
  let url = "";
  let token = "";
  let count = 0;
  const calendar = (body: string) =>
    feeds.trouble({ answer: { status: 200, text: { type: "text/calendar", body } } }, often);
  return {
    async start() {
      ({ url } = await feeds.start());
      return { calendarOrigins: [url] };
    },
    stop: () => feeds.stop(),
    deadlines: 2,
    account: {
      open(property) {
        count += 1;
        token = `token-${count}`;
        const key = `${url}${feeds.open(token, "other")}`;
        return { kind: "ical", name: "Calendar", key, places: { calendar: property } };
      },
      book: (arrival, departure, name) => feeds.book(token, arrival, departure, { name }),
      move: (uid, start, end) => void feeds.change(token, uid, { start, end }),
      cancel: (uid) => void feeds.change(token, uid, { status: "CANCELLED" }),
      confirm: (uid) => void feeds.change(token, uid, { status: "CONFIRMED" }),
      doubt: (uid) => void feeds.change(token, uid, { status: "TENTATIVE" }),
      troubles: {
        "an empty calendar": () =>
          calendar("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//none//EN\r\nEND:VCALENDAR\r\n"),
        "an empty answer": () => calendar(""),
        "half a calendar": () => feeds.trouble("garble", often),
        "a web page": () => feeds.trouble({ answer: html }, often),
        "429": () => feeds.trouble({ answer: { status: 429, json: {} } }, often),
        "500": () => feeds.trouble({ answer: { status: 500, html: "" } }, often),
        "304 to whatever is asked": () => feeds.trouble({ answer: { status: 304 } }, often),
        "an answer that breaks off": () => feeds.trouble("drop", often),
        "a line that is down": () => feeds.trouble("cut", often),
        "an event that comes twice": () => feeds.repeatEvents(true),
      },
      settle() {
        feeds.settle();
        feeds.repeatEvents(false);
      },
    },
  };
});
