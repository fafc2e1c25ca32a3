/**
 * A flat that is let through Lodgify, on real sockets: the whole site, and at its doors a lockbox of ours, a Nuki and a Tuya lock that keep
 * PINs and are told them through their makers' clouds, and where wanted a Ring lock, which takes none. One clock for all, which leaps, but Ring's.
 */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { Faults } from "../../firmware-sim/faults.ts";
import type { Internet } from "../../firmware-sim/internet.ts";
import { LodgifyServer } from "../../firmware-sim/links/lodgify.ts";
import { TuyaServer } from "../../firmware-sim/links/tuya.ts";
import { TuyaCloudServer } from "../../firmware-sim/links/tuya-cloud.ts";
import { TwilioServer } from "../../firmware-sim/links/twilio.ts";
import { nukiLock } from "../../firmware-sim/played/nuki-lock.ts";
import { ringLock } from "../../firmware-sim/played/ring-lock.ts";
import type { MakersLock, MakersLockOptions } from "../../firmware-sim/played-lock.ts";
import { SimTuyaLock } from "../../firmware-sim/sim-tuya-lock.ts";
import type { Clock } from "../../gateway/ports/clock.ts";
import type { Device } from "../../gateway/ports/device.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { LeapingClock } from "./leaping-clock.ts";
import { accessSecret, clientId, deviceId } from "./tuya-cloud-site.ts";
import { localKey, remoteKey } from "./tuya-site.ts";
import { type OtherLock, WholeSite } from "./whole-site.ts";

export const minute = 60_000;
export const hour = 60 * minute;
/** Tuesday 2031-03-04, 14:00 in Lisbon. */
export const start = Date.UTC(2031, 2, 4, 14);
export const days = { property_id: 812, arrival: "2031-03-04", departure: "2031-03-05" };

export const checkIn = start + hour;
export const checkout = checkIn + 20 * hour;

const zone = "Europe/Lisbon";
const lodgifyKey = "lodgify-key-of-a-test";
const twilioAccount = { accountSid: `AC${"1".repeat(32)}`, authToken: "test-auth-token" };
/** What makers' locks do and their drivers wait for, with the gateway's own pauses between two looks at a lock. */
const soonMs = 15 * minute;

export interface Booking {
  readonly id: string;
  /** What its source tells and its owner has not agreed to. */
  readonly held: object | null;
  readonly code: {
    readonly grant: string;
    readonly until: string;
    readonly doors: readonly { readonly accessPoint: string; readonly state: string }[];
  };
}

export interface StayAlarm {
  readonly kind: string;
  readonly detail: { readonly doors?: readonly string[] };
}

export type FlatDoor = "lockbox" | "nuki" | "tuya" | "ring";

export async function givenLetFlat(t: TestContext, { hasRing = false }: { readonly hasRing?: boolean } = {}) {
  const clock = new LeapingClock(start);
  const folder = await mkdtemp(join(tmpdir(), "postern-flat-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const lodgify = new LodgifyServer({
    key: lodgifyKey,
    clock,
    properties: [{ id: days.property_id, name: "Harbour flat", zone, rooms: [] }],
  });
  t.after(() => lodgify.stop());
  const twilio = new TwilioServer({ ...twilioAccount, clock });
  t.after(() => twilio.stop());
  const [lodgifyUrl, apiUrl] = [(await lodgify.start()).url, (await twilio.start()).url];

  const key = { member: 1, from: 0, until: 2 ** 32 - 1, uses: 0, key: remoteKey };
  const tuyaLock = new SimTuyaLock({ family: "bluetooth", clock, remoteKey: key });
  const tuyaLan = new TuyaServer({
    id: deviceId,
    key: localKey,
    version: "3.4",
    clock,
    faults: new Faults(),
    lock: tuyaLock,
  });
  const tuya = new TuyaCloudServer({
    locks: { [deviceId]: tuyaLock },
    project: { clientId, secret: accessSecret },
    clock,
  });
  t.after(() => Promise.all([tuyaLan.stop(), tuya.stop()]));
  const made: MakersLock[] = [];
  const putUp = async (
    make: (options: MakersLockOptions) => MakersLock,
    { id, internet, time = clock }: { readonly id: FlatDoor; readonly internet: Internet; readonly time?: Clock },
  ) => {
    const broker = { host: "127.0.0.1", port: 9 };
    const secret = (length: number) => randomBytes(length).toString("hex").slice(0, length);
    const lock = make({ id, name: id, clock: time, internet, broker, zone, folder, secret });
    made.push(lock);
    const { options, secrets, env } = await lock.start();
    t.after(() => lock.stop());
    Object.assign(process.env, env);
    return { id, driver: lock.make.driver, options: { ...options }, secrets };
  };
  const tuyaEntry = async (internet: Internet): Promise<OtherLock> => {
    const { hostname, port } = new URL((await tuya.start()).url);
    const baseUrl = await internet.reach({ targetHost: hostname, targetPort: Number(port) });
    const options = { ...(await tuyaLan.start()), version: "3.4", deviceId, profile: "bluetooth" };
    return {
      id: "tuya",
      driver: "tuya",
      options: { ...options, cloud: { baseUrl, clientId } },
      secrets: { localKey, remoteKey, accessSecret },
    };
  };
  const site = await WholeSite.start({
    boxes: ["lockbox"],
    time: clock,
    locks: async (internet) => [
      await putUp(nukiLock, { id: "nuki", internet }),
      await tuyaEntry(internet),
      // Ring's own library keeps its sign-in fresh by the machine's clock, in a process of its own.
      ...(hasRing ? [await putUp(ringLock, { id: "ring", internet, time: systemClock })] : []),
    ],
    cloud: (publicUrl) => ({
      publicUrl,
      lodgifyUrl,
      twilio: {
        ...{ accountSid: twilioAccount.accountSid, authToken: new SecretString(twilioAccount.authToken) },
        ...{ smsFrom: "+34600000000", apiUrl },
      },
    }),
  });
  t.after(() => site.stop());

  const property = await site.admin<{ id: string }>("POST", "/api/properties", {
    name: "Harbour flat",
    accessPoints: ["lockbox", "nuki", "tuya", ...(hasRing ? ["ring"] : [])],
  });
  const messages = { on: true, channels: ["sms"], country: "PT" };
  await site.admin("PATCH", `/api/properties/${property.id}/messages`, messages);
  await site.admin("POST", "/api/booking-sources", {
    ...{ kind: "lodgify", name: "Lodgify", key: lodgifyKey, options: { webhooks: true } },
    places: { [days.property_id]: property.id },
  });

  const [nuki, ring] = made;
  if (!nuki) throw new Error("there is always one");
  const flat = {
    ...{ clock, lodgify, twilio, tuya, site },
    locks: { nuki, tuya: tuyaLock, ring },
    bookings: async () =>
      (await site.admin<{ items: Booking[] }>("GET", "/api/bookings?from=2031-03-01T00:00:00Z")).items,
    booking: async (): Promise<Booking> => {
      const [only] = await flat.bookings();
      if (!only) throw new Error("there is no booking");
      return only;
    },
    /** What its owner would be told on asking for the digits. */
    digits: async (): Promise<string> =>
      (await site.admin<{ code: string }>("POST", `/api/bookings/${(await flat.booking()).id}/reveal`)).code,
    /** The PINs that the makers' locks hold, with the end of each. */
    held: () => ({
      nuki: (nuki.view().codes ?? []).map(({ until }) => until),
      tuya: [...tuyaLock.passwords.list().values()].map(({ until }) => until * 1_000),
    }),
    /** How far its code has come at each door. */
    states: async (): Promise<Record<string, string>> => {
      const { code } = await flat.booking();
      return Object.fromEntries(code.doors.map(({ accessPoint, state }) => [accessPoint, state]));
    },
    /** Locks that were read back without its PIN. */
    goneFrom: async (): Promise<string[]> => {
      const events = await site.journalEvents();
      return events
        .flatMap((event) => (event.type === "code-read" && event.state === "absent" ? [event.device] : []))
        .sort();
    },
    openAlarms: async () => (await site.admin<{ items: StayAlarm[] }>("GET", "/api/stay-alarms?open=true")).items,
    /** Time goes by quickly until it holds. */
    soon: (what: string, holds: () => boolean | Promise<boolean>) => clock.passUntil(what, holds, soonMs),
    /** All but the last minute goes by at once; in that one, who has lost whom finds them again, as far as there is a line. */
    leapTo: async (instant: number) => {
      clock.leapTo(Math.max(clock.wall(), instant - minute));
      await clock.passUntil("it is time", () => clock.wall() >= instant, minute);
      const { parts, sync } = site.gateway.site;
      await flat.soon("the gateway is in order", () => {
        if (!site.isOnline) return areOnline(parts.devices.get("lockbox")!);
        const sinceMs = parts.time.sinceSyncMs() ?? Number.POSITIVE_INFINITY;
        return sync.state === "online" && sinceMs < minute && areOnline(...parts.devices.values());
      });
    },
    /** The doors that these digits open, typed at each keypad. */
    enterEverywhere: async (digits: string): Promise<FlatDoor[]> => {
      const box = site.box("lockbox");
      const opened: FlatDoor[] = [];
      if ((await box.enterPin(digits)) === "granted") {
        opened.push("lockbox");
        await box.becomes("secured");
      }
      nuki.acts.enterPin?.(digits);
      if (nuki.view().lastVerdict?.verdict === "granted") opened.push("nuki");
      if (tuyaLock.enterPassword(digits)) opened.push("tuya");
      return opened;
    },
  };
  return flat;
}

function areOnline(...devices: readonly Device[]): boolean {
  return devices.every((device) => device.status().link === "online");
}
