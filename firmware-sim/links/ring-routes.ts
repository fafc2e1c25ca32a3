/** The paths of Ring's service that its apps use for locks and intercoms: who asks for what, and what is answered. */
import { randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { SimRingIntercom } from "../sim-ring-intercom.ts";
import type { SimRingLock } from "../sim-ring-lock.ts";
import type { RingHub } from "./ring-hub.ts";
import { handset } from "./ring-messages.ts";
import type { RingTokens } from "./ring-tokens.ts";

export type RingCallKind =
  | "token"
  | "session"
  | "push-token"
  | "devices"
  | "locations"
  | "ticket"
  | "subscribe"
  | "unlock"
  | "unknown";

export interface RingPlace {
  readonly id: string;
  readonly name: string;
  /** `uuid`: the hub's. Without one there is no alarm here, and no lock can be. */
  readonly hub?: { readonly uuid: string; readonly locks: readonly SimRingLock[] };
  readonly intercoms?: readonly SimRingIntercom[];
}

export interface RingAnswer {
  readonly status: number;
  /** As JSON; undefined: none. */
  readonly body?: unknown;
}

export interface RingRoutesOptions {
  readonly places: readonly RingPlace[];
  /** By the place's id. */
  readonly hubs: ReadonlyMap<string, RingHub>;
  readonly tokens: RingTokens;
  /** With the port. */
  readonly hubHost: () => string;
}

const paths: readonly { readonly kind: RingCallKind; readonly method: string; readonly path: RegExp }[] = [
  { kind: "token", method: "POST", path: /^\/oauth\/token$/ },
  { kind: "session", method: "POST", path: /^\/clients_api\/session$/ },
  { kind: "push-token", method: "PATCH", path: /^\/clients_api\/device$/ },
  { kind: "devices", method: "GET", path: /^\/clients_api\/ring_devices$/ },
  { kind: "locations", method: "GET", path: /^\/devices\/v1\/locations$/ },
  { kind: "ticket", method: "GET", path: /^\/api\/v1\/clap\/tickets$/ },
  { kind: "subscribe", method: "POST", path: /^\/clients_api\/doorbots\/(\d+)\/(?:un)?subscribe$/ },
  { kind: "unlock", method: "PUT", path: /^\/commands\/v1\/devices\/(\d+)\/device_rpc$/ },
];
const clientsApi = "/clients_api/";
const ticketsMax = 100;
/** Ring's number for "the asset is offline". */
const assetOffline = 7019;
const done: RingAnswer = { status: 204 };

export class RingRoutes {
  readonly #options: RingRoutesOptions;
  readonly #tickets = new Map<string, RingHub>();
  readonly #subscribed = new Set<number>();
  /** Hardware ids whose session was forgotten are those not in here, once there is such a list. */
  #sessions: Set<string> | undefined;

  constructor(options: RingRoutesOptions) {
    this.#options = options;
  }

  kindOf(method: string, path: string): RingCallKind {
    return paths.find((one) => one.method === method && one.path.test(path))?.kind ?? "unknown";
  }

  forgetSessions(): void {
    this.#sessions = new Set();
  }

  /** The hub a ticket was given for; the ticket is spent. */
  redeem(ticket: string): RingHub | undefined {
    const hub = this.#tickets.get(ticket);
    this.#tickets.delete(ticket);
    return hub;
  }

  answer(kind: RingCallKind, { headers, url = "/" }: IncomingMessage, sent: string): RingAnswer {
    const { pathname, searchParams } = new URL(url, "https://ring");
    const body = readJson(sent);
    if (body === notJson) return { status: 400, body: { error: "the body is not JSON" } };
    if (kind === "token") return this.#options.tokens.answer(body, String(headers["2fa-code"] ?? ""));
    if (!this.#options.tokens.admits(headers.authorization)) return { status: 401, body: { error: "unauthorized" } };
    const hardware = String(headers.hardware_id ?? "");
    if (kind === "session") return this.#beginSession(body);
    if (pathname.startsWith(clientsApi) && this.#sessions && !this.#sessions.has(hardware))
      return { status: 404, body: { error: `no session for hardware_id ${hardware}` } };
    switch (kind) {
      case "push-token":
        return done;
      case "devices":
        return { status: 200, body: this.#devices() };
      case "locations":
        return {
          status: 200,
          body: { user_locations: this.#options.places.map(({ id, name }) => ({ location_id: id, name })) },
        };
      case "ticket":
        return this.#ticket(searchParams.get("locationID") ?? "");
      case "subscribe":
        return this.#subscribe(pathname);
      case "unlock":
        return this.#unlock(pathname, body);
      default:
        return { status: 404, body: { error: "path not found" } };
    }
  }

  #beginSession(body: unknown): RingAnswer {
    const { device } = (body ?? {}) as { readonly device?: { readonly hardware_id?: unknown } };
    if (typeof device?.hardware_id !== "string")
      return { status: 400, body: { error: "device.hardware_id is missing" } };
    this.#sessions?.add(device.hardware_id);
    return { status: 200, body: {} };
  }

  #devices(): object {
    const { places } = this.#options;
    const stations = places.flatMap(({ id, hub }, index) =>
      hub ? [{ id: index + 1, kind: "base_station_v1", description: "Base station", location_id: id }] : [],
    );
    const other = places.flatMap(({ id, intercoms = [] }) =>
      intercoms.map((intercom) => handset(intercom, id, this.#subscribed.has(intercom.id))),
    );
    const none: readonly object[] = [];
    return {
      doorbots: none,
      authorized_doorbots: none,
      chimes: none,
      stickup_cams: none,
      base_stations: stations,
      beams_bridges: none,
      other,
    };
  }

  #ticket(place: string): RingAnswer {
    const hub = this.#options.hubs.get(place);
    if (!hub) return { status: 404, body: { error: "no such location" } };
    const ticket = randomBytes(24).toString("base64url");
    this.#tickets.set(ticket, hub);
    for (const oldest of this.#tickets.keys()) if (this.#tickets.size > ticketsMax) this.#tickets.delete(oldest);
    const asset = {
      uuid: hub.uuid,
      kind: "base_station_v1",
      status: hub.online ? "online" : "offline",
      onBattery: false,
    };
    return {
      status: 200,
      body: { assets: [asset], ticket, host: this.#options.hubHost(), subscriptionTopics: [] },
    };
  }

  #subscribe(path: string): RingAnswer {
    const intercom = this.#intercom(path);
    if (!intercom) return { status: 404, body: { error: "no such device" } };
    if (path.endsWith("/unsubscribe")) this.#subscribed.delete(intercom.id);
    else this.#subscribed.add(intercom.id);
    return done;
  }

  /** A pulse. An intercom that is offline is answered for by its number, as other assets are [unverified]. */
  #unlock(path: string, body: unknown): RingAnswer {
    const { command_name: name, request } = (body ?? {}) as {
      readonly command_name?: unknown;
      readonly request?: { readonly jsonrpc?: unknown; readonly method?: unknown };
    };
    if (name !== "device_rpc" || request?.jsonrpc !== "2.0" || request.method !== "unlock_door")
      return { status: 400, body: { error: "not a command of this device" } };
    const intercom = this.#intercom(path);
    if (!intercom) return { status: 404, body: { error: "no such device" } };
    if (!intercom.online) return { status: 404, body: { errors: [assetOffline] } };
    intercom.pressDoorButton();
    return { status: 200, body: { jsonrpc: "2.0", result: { code: 0 } } };
  }

  #intercom(path: string): SimRingIntercom | undefined {
    const id = /\/(\d+)\/[a-z_]+$/.exec(path)?.[1];
    return this.#options.places.flatMap(({ intercoms = [] }) => intercoms).find((one) => String(one.id) === id);
  }
}

const notJson = Symbol("not JSON");

function readJson(text: string): unknown {
  try {
    return text === "" ? undefined : JSON.parse(text);
  } catch {
    return notJson;
  }
}
