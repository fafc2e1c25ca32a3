/** A simulated site: its lockboxes on their lines to a gateway's broker, and the page to play them. */
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import type { Clock } from "../gateway/ports/clock.ts";
import type { Logger } from "../gateway/ports/logger.ts";
import type { BookedStays } from "./booked-stays.ts";
import { controlApp } from "./control-app.ts";
import { type FaultRates, Faults } from "./faults.ts";
import type { Internet } from "./internet.ts";
import { LockboxLink } from "./links/mqtt-lockbox.ts";
import type { BrokerAt } from "./links/mqtt-session.ts";
import { type LockboxParts, playedLockbox } from "./played/lockbox.ts";
import type { PlayedLock } from "./played-lock.ts";
import { type CloudAccess, RemoteUnlocks } from "./remote-unlocks.ts";
import { isLoopbackName } from "./same-origin.ts";
import { SimLockbox } from "./sim-lockbox.ts";
import { type Hint, type SignIn, type SiteProcesses, SiteStateWatch } from "./site-state.ts";
import { SimulatorStartError } from "./start-error.ts";
import type { TimeMachine } from "./time-machine.ts";

export interface SimulatedBox {
  /** Its device id. */
  readonly id: string;
  readonly name: string;
  readonly password: string;
  /** 32 bytes in base64url. */
  readonly key: string;
}

export interface SimulatorOptions {
  /** Where the page listens. `port` 0: any free one. */
  readonly http: { readonly host: string; readonly port: number };
  readonly broker: BrokerAt;
  readonly boxes: readonly SimulatedBox[];
  /** Of other makers; whoever made them starts and stops them. */
  readonly locks?: readonly PlayedLock[] | undefined;
  readonly gatewayUrl: string;
  /** Whose events are shown as received. */
  readonly cloud?: CloudAccess | undefined;
  /** The line between gateway and cloud, when it is ours to pull. */
  readonly internet?: Internet | undefined;
  readonly processes?: SiteProcesses | undefined;
  readonly hints?: readonly Hint[] | undefined;
  readonly signIn?: SignIn | undefined;
  /** Flats that are let, with their guests. */
  readonly stays?: BookedStays | undefined;
  /** Where whoever started the site can move its time. */
  readonly time?: TimeMachine | undefined;
  /** On the boxes' lines, until the page changes them. */
  readonly faults?: { readonly rates: Partial<FaultRates>; readonly seed: number } | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface RunningSimulator {
  readonly url: string;
  /** Looks at the site now, because something has changed. */
  refresh(): void;
  stop(): Promise<void>;
}

/** Rejects with a SimulatorStartError that says what to do. The boxes connect by themselves when their broker is there. */
export async function startSimulator(options: SimulatorOptions): Promise<RunningSimulator> {
  const {
    clock,
    logger,
    broker,
    gatewayUrl,
    cloud,
    internet,
    processes,
    signIn,
    stays,
    time,
    locks = [],
    hints = [],
  } = options;
  const stopping = new AbortController();
  // Seconds since 1970, so that a simulator that is started again does not count its boxes' boots from one.
  const firstBoot = Math.floor(clock.wall() / 1000);
  const keys = options.boxes.map(({ id, key }) => keyOf(id, key));
  const boxes = options.boxes.map(({ id, name, password }, index): LockboxParts => {
    const box = new SimLockbox({ id, key: keys[index]!, clock, firstBoot });
    // A line of its own, with chances of its own.
    const faults = new Faults(options.faults?.rates, (options.faults?.seed ?? 1) + index);
    return { name, box, faults, link: new LockboxLink({ box, broker, proof: { password }, faults, clock, logger }) };
  });
  const unlocks = cloud && new RemoteUnlocks(cloud, clock);
  const played = boxes.map(playedLockbox);
  const watch = new SiteStateWatch({
    ...{ locks, gatewayUrl, cloud, unlocks, internet, processes, hints, signIn, stays, time, clock },
    boxes: played,
  });
  const onLoopback = isLoopbackName(options.http.host);
  const app = controlApp({
    ...{ watch, locks, unlocks, internet, processes, stays, time, onLoopback, clock, logger },
    boxes: played,
    stopping: stopping.signal,
  });
  const server = await listen(app.fetch, options.http).catch((error) => {
    for (const { box } of boxes) box.cutPower();
    throw error;
  });
  for (const { link } of boxes) link.start();
  const watching = watch.run(stopping.signal);
  const { address, port } = server.address() as AddressInfo;
  const url = `http://${address.includes(":") ? `[${address}]` : address}:${port}`;
  logger.info("simulator-started", { url, boxes: boxes.length });
  return {
    url,
    refresh: () => watch.refresh(),
    async stop() {
      stopping.abort();
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      server.closeAllConnections();
      await Promise.all([closed, watching, ...boxes.map(({ link }) => link.stop())]);
      for (const { box } of boxes) box.cutPower();
      logger.info("simulator-stopped");
    },
  };
}

function keyOf(id: string, text: string): Uint8Array {
  const key = Buffer.from(text, "base64url");
  if (key.length === 32) return key;
  throw new SimulatorStartError(
    "box-key-wrong",
    `the key of box "${id}" has ${key.length} bytes instead of 32; give it in base64url, as in the gateway's secrets file`,
  );
}

async function listen(
  fetch: (request: Request) => Response | Promise<Response>,
  { host, port }: SimulatorOptions["http"],
): Promise<Server> {
  const server = createAdaptorServer({ fetch }) as Server;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const inUse = cause.code === "EADDRINUSE";
      const why = inUse
        ? "is in use; set the simulator's http.port (--port) to a free one"
        : `cannot be used (${cause.code})`;
      reject(new SimulatorStartError("port-in-use", `port ${port} on ${host} ${why}`, { cause }));
    });
    server.listen(port, host, resolve);
  });
  return server;
}
