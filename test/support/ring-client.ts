/**
 * The real ring-client-api as a stranger to our code, in a process of its own: does what it is asked by message and tells what it hears. Runs
 * on plain Node, which strips its types.
 */
import { type Location, RingApi, type RingDevice } from "ring-client-api";
import { useLogger } from "ring-client-api/util";

export interface RingAsk {
  readonly id: number;
  readonly ask: "locations" | "devices" | "command" | "unlock-intercom" | "intercom" | "fetch" | "disconnect";
  readonly text: string;
}

export type RingTold =
  | { readonly kind: "answer"; readonly id: number; readonly value?: unknown; readonly error?: string }
  | { readonly kind: "token"; readonly token: string }
  | { readonly kind: "data"; readonly locked: string; readonly batteryLevel: number; readonly tamperStatus: string }
  | { readonly kind: "connected"; readonly connected: boolean }
  | { readonly kind: "logged"; readonly text: string; readonly status?: number }
  | { readonly kind: "unhandled"; readonly text: string };

const tell = (told: RingTold) => {
  if (process.connected) process.send?.(told);
};
const logged = (error: { readonly message?: string; readonly response?: { readonly status: number } } | string) =>
  typeof error === "string"
    ? tell({ kind: "logged", text: error })
    : tell({ kind: "logged", text: error.message ?? "", ...(error.response && { status: error.response.status }) });

useLogger({ logInfo: () => undefined, logError: logged });
process.on("unhandledRejection", (reason) => tell({ kind: "unhandled", text: String(reason) }));

const api = new RingApi({ refreshToken: process.env.RING_TOKEN ?? "", systemId: "hardware of a test" });
api.onRefreshTokenUpdated.subscribe(({ newRefreshToken }) => tell({ kind: "token", token: newRefreshToken }));
const watched = new Set<RingDevice>();

const first = async (): Promise<Location> => {
  const [location] = await api.getLocations();
  if (!location) throw new Error("no location");
  return location;
};

const lockOf = async (): Promise<RingDevice> => {
  const devices = await (await first()).getDevices();
  const lock = devices.find(({ data }) => /^lock($|\.)/.test(data.deviceType));
  if (!lock) throw new Error("no lock");
  if (!watched.has(lock)) {
    watched.add(lock);
    lock.onData.subscribe(({ locked = "unknown", batteryLevel = -1, tamperStatus }) =>
      tell({ kind: "data", locked, batteryLevel, tamperStatus }),
    );
    lock.location.onConnected.subscribe((connected) => tell({ kind: "connected", connected }));
  }
  return lock;
};

const answers = {
  locations: async () => (await api.getLocations()).map(({ id, name }) => ({ id, name })),
  devices: async () => {
    const { location } = await lockOf();
    return (await location.getDevices()).map(({ data }) => ({ name: data.name, type: data.deviceType }));
  },
  command: async (command: string) => (await lockOf()).sendCommand(command),
  intercom: async () => {
    const [intercom] = (await first()).intercoms;
    return { name: intercom?.name, battery: intercom?.batteryLevel, offline: intercom?.isOffline };
  },
  "unlock-intercom": async () => (await first()).intercoms[0]?.unlock(),
  fetch: async (url: string) => (await fetch(url)).status,
  disconnect: async () => {
    process.disconnect?.();
    api.disconnect();
  },
} satisfies Record<RingAsk["ask"], (text: string) => Promise<unknown>>;

process.on("message", ({ id, ask, text }: RingAsk) => {
  answers[ask](text).then(
    (value) => tell({ kind: "answer", id, value }),
    (error: Error) => tell({ kind: "answer", id, error: error.message }),
  );
});
