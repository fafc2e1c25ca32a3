/** The control page's server with a site that is told what to be: state and stream by hand, every post noted. */
import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { streamSSE } from "hono/streaming";
import { noFaults } from "../../firmware-sim/faults.ts";
import { addControlPage } from "../../firmware-sim/page.tsx";
import type { DecidedEvent, LockState, ReceivedEvent, SiteState } from "../../firmware-sim/site-state.ts";

export interface Post {
  readonly path: string;
  readonly body: unknown;
}

export interface ToldSite {
  readonly url: string;
  readonly posts: Post[];
  readonly state: () => SiteState;
  tell(change: Partial<SiteState>): void;
  tellBox(id: string, change: Partial<LockState>): void;
  tellLock(id: string, change: Partial<LockState>): void;
  stop(): Promise<void>;
}

/** What each post does to the site; without one it is only noted. */
export type Answer = (post: Post, site: ToldSite) => void;

export async function startToldSite(first: SiteState, answer: Answer = () => undefined): Promise<ToldSite> {
  let state = first;
  const streams = new Set<() => void>();
  const posts: Post[] = [];
  const stopping = new AbortController();
  const app = new Hono();
  app.get("/api/stream", (c) =>
    streamSSE(c, async (out) => {
      while (!out.aborted && !stopping.signal.aborted) {
        const changed = new Promise<void>((resolve) => streams.add(resolve));
        await out.writeSSE({ data: JSON.stringify(state) });
        await changed;
      }
    }),
  );
  app.post("/api/*", async (c) => {
    const post = { path: c.req.path, body: await c.req.json() };
    posts.push(post);
    answer(post, site);
    return c.json(state);
  });
  addControlPage(app);
  const server = await new Promise<ReturnType<typeof serve>>((resolve) => {
    const listening = serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 }, () => resolve(listening));
  });
  const wake = () => {
    for (const stream of streams) stream();
    streams.clear();
  };
  const site: ToldSite = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    posts,
    state: () => state,
    tell(change) {
      state = { ...state, ...change };
      wake();
    },
    tellBox(id, change) {
      site.tell({ boxes: state.boxes.map((box) => (box.id === id ? { ...box, ...change } : box)) });
    },
    tellLock(id, change) {
      site.tell({ locks: state.locks.map((lock) => (lock.id === id ? { ...lock, ...change } : lock)) });
    },
    async stop() {
      stopping.abort();
      wake();
      if ("closeAllConnections" in server) server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return site;
}

/** 2031-03-04T12:00Z. */
const noon = Date.UTC(2031, 2, 4, 12);

export function aBox(id: string, name: string, change: Partial<LockState> = {}): LockState {
  return {
    id,
    name,
    connected: true,
    line: noFaults,
    powered: true,
    bolt: "secured",
    door: "closed",
    batteryPercent: 100,
    tamper: false,
    jammed: false,
    display: "Enter code",
    beeps: 0,
    lastVerdict: null,
    ...change,
  };
}

/** A maker's lock with a keypad, a battery and codes of its own. */
export function aNuki(change: Partial<LockState> = {}): LockState {
  return {
    id: "front-door",
    name: "Front door",
    make: { maker: "Nuki", kind: "smart lock with a keypad", driver: "nuki", reach: "cloud", hand: "Turn the knob" },
    connected: true,
    unlock: null,
    line: noFaults,
    powered: true,
    online: true,
    bolt: "secured",
    door: "closed",
    batteryPercent: 80,
    jammed: false,
    display: "Enter code",
    lastVerdict: null,
    codes: [{ name: "Postern 01ABCDEFGH", from: noon, until: noon + 172_800_000 }],
    ...change,
  };
}

/** One with neither, on the mains. */
export function aStrike(change: Partial<LockState> = {}): LockState {
  return {
    id: "gate",
    name: "Garden gate",
    make: { maker: "Shelly", kind: "strike on a relay", driver: "shelly", reach: "lan", hand: "Press its button" },
    connected: true,
    unlock: null,
    line: noFaults,
    powered: true,
    bolt: "secured",
    door: "closed",
    jammed: false,
    ...change,
  };
}

/** One that no PIN opens. */
export function aKisiDoor(change: Partial<LockState> = {}): LockState {
  return {
    ...aStrike({ id: "office", name: "Office", online: true }),
    make: {
      ...{ maker: "Kisi", kind: "door on a controller", driver: "kisi", reach: "cloud", hand: "Press the exit button" },
      noPins: "Kisi opens by its app, cards and links of its own",
    },
    ...change,
  };
}

/** Two boxes, all connected, nothing waiting. */
export function aSiteState(change: Partial<SiteState> = {}): SiteState {
  return {
    boxes: [aBox("box-1", "Parcel box 1"), aBox("box-2", "Parcel box 2")],
    locks: [],
    internet: { on: true },
    cloud: { running: true, wanted: true, reachable: true, controlled: true },
    gateway: {
      reachable: true,
      sync: "online",
      lastSyncAgoMs: 3_000,
      queue: 0,
      durableSeq: 0,
      lockdown: false,
      clock: "synced",
      accessPoints: [
        { id: "box-1", name: "Parcel box 1", lock: "box-1", lockedOutMs: 0 },
        { id: "box-2", name: "Parcel box 2", lock: "box-2", lockedOutMs: 0 },
      ],
      devices: [
        { id: "box-1", link: "online" },
        { id: "box-2", link: "online" },
      ],
    },
    gatewayUrl: "http://127.0.0.1:8480",
    gatewayControlled: true,
    decided: [],
    received: [],
    signIn: null,
    stays: null,
    time: null,
    hints: [
      { label: "Guest: opens as often as they like", pin: "583914", note: "box-1, box-2" },
      { label: "Courier: opens once", pin: "471629", note: "box-1, box-2" },
      { label: "Neighbour: box 2 only", pin: "935278", note: "box-2" },
    ],
    ...change,
  };
}

export function decided(seq: number, body: Omit<DecidedEvent, "seq" | "at">): DecidedEvent {
  return { seq, at: noon + seq * 1_700, ...body };
}

export function received({ seq, at, type, accessPoint }: DecidedEvent): ReceivedEvent {
  const time = (instant: number) => new Date(instant).toISOString();
  return {
    seq,
    at: time(at),
    receivedAt: time(at + 120),
    type,
    accessPoint: accessPoint ?? null,
    grant: null,
    reason: null,
  };
}
