/**
 * A hub whose members book, on real sockets: the whole site, and two doors that are reached through their makers' clouds, one of Kisi, which opens to
 * accounts, and one of Brivo, which takes PINs. Bookings come over the API.
 */
import { BrivoServer } from "../../firmware-sim/links/brivo.ts";
import { KisiServer } from "../../firmware-sim/links/kisi.ts";
import { SimCloudDoor } from "../../firmware-sim/sim-cloud-door.ts";
import type { Clock } from "../../gateway/ports/clock.ts";
import { brivoSecrets } from "./brivo-site.ts";
import { kisiKey } from "./kisi-site.ts";
import { until } from "./until.ts";
import { WholeSite } from "./whole-site.ts";

const username = "gateway@example.com";
const clientId = "ABC-123-456";
const groups = { studio: 77, office: 200 };

export interface HubBooking {
  readonly id: string;
  readonly code: {
    readonly grant: string | null;
    readonly problem: string | null;
    readonly doors: readonly { readonly accessPoint: string; readonly state: string }[];
  };
}

export interface HubWish {
  readonly name?: string;
  readonly email?: string;
  readonly from: number;
  readonly until: number;
}

/** `pollMs`: how often the doors' state is read. */
export async function givenHub(clock: Clock, { pollMs = 5_000 } = {}) {
  const closing: (() => Promise<unknown>)[] = [];
  const studio = new SimCloudDoor({ id: 100, name: "Studio", clock });
  const office = new SimCloudDoor({ id: 101, name: "Office", clock });
  const kisi = new KisiServer({
    doors: [studio],
    groups: [{ id: groups.studio, name: "members", locks: [100] }],
    keys: [{ secret: kisiKey, rights: "owner" }],
    clock,
  });
  const { apiKey, clientSecret, password } = brivoSecrets;
  const brivo = new BrivoServer({
    doors: [office],
    groups: [{ id: groups.office, name: "members", doors: [101] }],
    ...{ clientId, clientSecret, apiKey, admin: { username, password }, clock },
  });
  const { url } = await kisi.start();
  const urls = await brivo.start();
  closing.push(
    () => kisi.stop(),
    () => brivo.stop(),
  );
  const site = await WholeSite.start({
    boxes: [],
    time: clock,
    locks: async () => [
      {
        ...{ id: "studio", driver: "kisi", secrets: { apiKey: kisiKey } },
        options: { lockId: 100, groupId: groups.studio, url, pollMs },
      },
      {
        ...{ id: "office", driver: "brivo", secrets: brivoSecrets },
        options: { accessPointId: 101, groupId: groups.office, clientId, username, ...urls, pollMs },
      },
    ],
  });
  closing.unshift(() => site.stop());
  const property = await site.admin<{ id: string }>("POST", "/api/properties", {
    ...{ name: "Desks", accessPoints: ["studio", "office"] },
  });
  await until("the doors are reached", () =>
    [...site.gateway.site.parts.devices.values()].every((each) => each.status().link === "online"),
  );
  const hub = {
    ...{ site, kisi, brivo, studio, office },
    close: async () => {
      for (const close of closing) await close();
    },
    book: ({ name = "Ada L.", email = "ada@hub.example", from, until }: HubWish): Promise<HubBooking> =>
      site.admin("POST", "/api/bookings", {
        ...{ property: property.id, kind: "member", guest: { name, email } },
        ...{ from: wallAt(from), until: wallAt(until) },
      }),
    change: (id: string, body: object): Promise<HubBooking> => site.admin("PATCH", `/api/bookings/${id}`, body),
    move: (id: string, { from, until }: Pick<HubWish, "from" | "until">): Promise<HubBooking> =>
      hub.change(id, { from: wallAt(from), until: wallAt(until) }),
    booking: (id: string): Promise<HubBooking> => site.admin("GET", `/api/bookings/${id}`),
    /** How far it has come at each door. */
    states: async (id: string): Promise<Record<string, string>> => {
      const { code } = await hub.booking(id);
      return Object.fromEntries(code.doors.map(({ accessPoint, state }) => [accessPoint, state]));
    },
    /** What stands at the makers, by the moments at which it begins and ends. */
    held: () => ({
      studio: kisi
        .assignments()
        .map(({ validFrom, validUntil }) => [validFrom, validUntil] as const)
        .sort(byBegin),
      office: brivo
        .users()
        .map(({ effectiveFrom, effectiveTo }) => [effectiveFrom ?? null, effectiveTo ?? null] as const)
        .sort(byBegin),
    }),
  };
  return hub;
}

export type Hub = Awaited<ReturnType<typeof givenHub>>;

type Span = readonly [from: number | null, until: number | null];

function byBegin([a]: Span, [b]: Span): number {
  return (a ?? 0) - (b ?? 0);
}

/** "2031-03-04T15:00": by the hub's own clock. */
function wallAt(instant: number): string {
  return Temporal.Instant.fromEpochMilliseconds(instant)
    .toZonedDateTimeISO("Europe/Lisbon")
    .toPlainDateTime()
    .toString({ smallestUnit: "minute" });
}
