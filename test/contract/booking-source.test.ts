import { IcalFeeds } from "../../firmware-sim/links/ical-feeds.ts";
import { LodgifyServer } from "../../firmware-sim/links/lodgify.ts";
import { type BookingAccountServer, bookingSourceContract } from "./booking-source.ts";

const html = { status: 200, html: "<!doctype html><html><body>Sign in</body></html>" };
const often = { times: 10_000 };

bookingSourceContract("Lodgify", (clock): BookingAccountServer => {
  const key = "lodgify-key-of-a-test";
  const rooms = [{ id: 44, name: "Up" }];
  const server = new LodgifyServer({
    key,
    clock,
    properties: [{ id: 812, name: "Casa", zone: "Europe/Madrid", rooms }],
  });
  const made: number[] = [];
  const answer = (json: unknown, status = 200) => server.trouble({ answer: { status, json } }, often);
  return {
    async start() {
      return { lodgifyUrl: (await server.start()).url };
    },
    stop: () => server.stop(),
    deadlines: 1,
    account: {
      open(property) {
        for (const id of made.splice(0)) server.forget(id);
        return { kind: "lodgify", name: "Lodgify", key, places: { "812/44": property } };
      },
      book(arrival, departure, name) {
        const guest = { name, phone: null, email: null };
        const id = server.book({ property_id: 812, arrival, departure, guest });
        made.push(id);
        return `${id}`;
      },
      move: (id, arrival, departure) => server.change(Number(id), { arrival, departure }),
      cancel: (id) => server.cancel(Number(id)),
      confirm: (id) => server.change(Number(id), { status: "Booked", canceled_at: null }),
      doubt: (id) => server.change(Number(id), { status: "Tentative" }),
      troubles: {
        "an empty list": () =>
          server.trouble(
            { answer: { status: 200, json: { count: null, items: [] } } },
            { ...often, path: /stayFilter/ },
          ),
        "no list": () => answer({ count: null, items: null }),
        "half an answer": () => server.trouble("garble", often),
        "a web page": () => server.trouble({ answer: html }, often),
        "429": () => answer({}, 429),
        "500": () => answer({ code: "Unknown" }, 500),
        "an answer that breaks off": () => server.trouble("drop", often),
        "a line that is down": () => server.trouble("cut", often),
        "a page that comes again and again": () =>
          server.trouble({ answer: { status: 200, json: { items: server.page("All", 50) } } }, often),
      },
      settle: () => server.settle(),
    },
  };
});

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
