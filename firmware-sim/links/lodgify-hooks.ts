/** Lodgify's webhooks: who subscribed to what, and word of it, signed, sent again until it is answered 200, ten times at most. */
import { randomBytes } from "node:crypto";
import type { Clock } from "../../gateway/ports/clock.ts";
import { Faults } from "../faults.ts";
import type { CloudAnswer } from "./cloud-port.ts";
import { EventCourier } from "./event-courier.ts";
import type { LodgifyBooking } from "./lodgify.ts";
import { plainSignature } from "./signed-hook.ts";

interface Subscription {
  readonly id: string;
  readonly event: string;
  readonly target_url: string;
  readonly secret: string;
}

const attemptsMax = 10;
const pauseMs = 60_000;

export class LodgifyHooks {
  readonly courier: EventCourier;
  /** Some receivers met a list of one, some no signature. */
  isList = false;
  isSigned = true;
  readonly #clock: Clock;
  readonly #all = new Map<string, Subscription>();
  #count = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.courier = new EventCourier(clock, new Faults());
  }

  get subscriptions(): readonly Subscription[] {
    return [...this.#all.values()];
  }

  /** As if nobody had subscribed. */
  forget(): void {
    this.#all.clear();
  }

  answer(method: string, what: string, body: string): CloudAnswer {
    if (method === "GET" && what === "list")
      return {
        status: 200,
        json: this.subscriptions.map(({ id, event, target_url }) => ({ id, event, url: target_url })),
      };
    const asked = JSON.parse(body || "{}") as {
      readonly id?: string;
      readonly event?: string;
      readonly target_url?: string;
    };
    if (method === "DELETE" && what === "unsubscribe")
      return this.#all.delete(asked.id ?? "") ? { status: 200, json: {} } : refused("No such webhook");
    const { event, target_url } = asked;
    if (method !== "POST" || what !== "subscribe" || !event || !target_url) return refused("Not a subscription");
    if (this.subscriptions.some((one) => one.target_url === target_url)) return refused("target_url must be unique");
    this.#count += 1;
    const made = { id: `hook-${this.#count}`, event, target_url, secret: randomBytes(16).toString("hex") };
    this.#all.set(made.id, made);
    return { status: 200, json: { id: made.id, secret: made.secret } };
  }

  tell(event: string, booking: LodgifyBooking & { readonly property_name: string | null }): void {
    for (const one of this.subscriptions.filter((each) => each.event === event))
      this.#send(one, wordOf(event, booking), 1);
  }

  #send(to: Subscription, word: object, attempt: number): void {
    this.courier.bring({
      url: to.target_url,
      event: this.isList ? [word] : word,
      headers: (body) => (this.isSigned ? plainSignature(to.secret, "ms-signature", "sha256=", body) : {}),
      isTaken: (status) => status === 200,
      onFailure: (status) => {
        if (status === 410) this.#all.delete(to.id);
        else if (attempt < attemptsMax)
          this.#clock.sleep(pauseMs).then(
            () => this.#send(to, word, attempt + 1),
            () => undefined,
          );
      },
    });
  }
}

/** Its names are not those of the API. */
function wordOf(action: string, booking: LodgifyBooking & { readonly property_name: string | null }): object {
  const { id, property_id, property_name, arrival, departure, status, rooms, guest, source, language } = booking;
  return {
    action,
    booking: {
      type: "Booking",
      id,
      date_arrival: `${arrival}T00:00:00`,
      date_departure: `${departure}T00:00:00`,
      property_id,
      property_name,
      status,
      room_types: (rooms ?? []).map(({ room_type_id }) => ({ id: room_type_id, room_type_id })),
      source,
      language,
    },
    guest: { name: guest?.name ?? null, email: guest?.email ?? null, phone_number: guest?.phone ?? null },
  };
}

function refused(message: string): CloudAnswer {
  return { status: 400, json: { code: "ArgumentError", message, correlation_id: "", event_id: null } };
}
