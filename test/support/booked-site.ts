/** A house whose bookings come from a source: what its tests ask it, over the API. */
import assert from "node:assert/strict";
import { provisionAllDue } from "../../cloud-sync/jobs/provision-stays.ts";
import {
  type Answer,
  type CloudSurroundings,
  givenCloud,
  type HandClock,
  type TestCloud,
  type TestGateway,
} from "./cloud.ts";
import { until } from "./until.ts";

export class BookedSite {
  readonly cloud: TestCloud;
  /** It has all doors, and decides about their codes itself. */
  readonly gateway: TestGateway;
  readonly #clock: HandClock;

  private constructor(cloud: TestCloud, gateway: TestGateway, clock: HandClock) {
    this.cloud = cloud;
    this.gateway = gateway;
    this.#clock = clock;
  }

  static async build(clock: HandClock, surroundings: CloudSurroundings): Promise<BookedSite> {
    const cloud = await givenCloud({ clock, ...surroundings });
    await cloud.ask("POST", "/api/sites", { id: "casa", name: "Casa", zone: "Europe/Madrid" });
    const gateway = await cloud.gateway("casa");
    await gateway.report(["street", "up", "down"].map((id) => ({ id, lock: id, reads: true, kinds: ["pin"] })));
    return new BookedSite(cloud, gateway, clock);
  }

  /** One more that is let, behind the street's door and this one. Answers its id. */
  async property(door: "up" | "down", rules: object = {}): Promise<string> {
    return (await this.ask("POST", "/api/properties", { name: door, accessPoints: ["street", door], rules }, 201)).id;
  }

  async ask(method: string, path: string, body?: object, status = 200): Promise<Answer["body"]> {
    this.#clock.advance(20);
    const answer = await this.cloud.ask(method, path, body);
    assert.equal(answer.status, status, answer.text);
    return answer.body;
  }

  /** Answers its id. */
  async connect(source: object): Promise<string> {
    return (await this.connected(source)).id;
  }

  /** Answers all that is told of it, what is told once included. */
  connected(source: object): Promise<Answer["body"]> {
    return this.ask("POST", "/api/booking-sources", source, 201);
  }

  /** Something is sent to it from outside; answers how it was answered. */
  async send(url: string, body: string, headers: Readonly<Record<string, string>>): Promise<Answer> {
    this.#clock.advance(20);
    const sent = { authorization: "", "content-type": "application/json", ...headers };
    return this.cloud.ask("POST", new URL(url, "http://localhost").pathname, body, sent);
  }

  /** Reads it now; answers what came of it. */
  async read(source: string): Promise<Answer["body"]> {
    return (await this.ask("POST", `/api/booking-sources/${source}/run`)).result;
  }

  /** The same where it waits before it asks again: time passes until it is answered. `deadlines`: so many sleepers wait for nothing. */
  async readPatiently(source: string, deadlines: number): Promise<Answer["body"]> {
    let isDone = false;
    const before = this.#clock.sleepers;
    const read = this.read(source).finally(() => {
      isDone = true;
    });
    while (!isDone) {
      await until("it waits, or is answered", async () => isDone || this.#clock.sleepers > before + deadlines);
      if (!isDone) this.#clock.advance(5_000);
    }
    return read;
  }

  /** All that the source has told, with their codes where it is time. */
  async bookings(source: string): Promise<Answer["body"][]> {
    await provisionAllDue(this.cloud.parts);
    const { items } = await this.ask("GET", "/api/bookings?limit=200&from=2031-03-01T00:00:00Z");
    return items.filter((one: { source: string }) => one.source === source);
  }

  /** The only one, or the one of this guest. */
  async booking(source: string, guest?: string): Promise<Answer["body"]> {
    const all = await this.bookings(source);
    const found = all.filter((one) => guest === undefined || one.guest.name === guest);
    assert.equal(found.length, 1, `a booking of ${guest ?? "anybody"} among ${all.map((one) => one.guest.name)}`);
    return found[0];
  }

  async digits(booking: string): Promise<string> {
    return (await this.ask("POST", `/api/bookings/${booking}/reveal`)).code;
  }

  async stateOf(grant: string): Promise<string> {
    return (await this.ask("GET", `/api/sites/casa/grants/${grant}`)).state;
  }
}
