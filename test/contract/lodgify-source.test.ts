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
