/** The driver nuki, the maker's web service as the simulator plays it on a real socket, and one clock for both that runs ahead of the real one. */
import type { TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { inspect } from "node:util";
import { Faults, type Passage } from "../../firmware-sim/faults.ts";
import { NukiWebServer } from "../../firmware-sim/links/nuki-web.ts";
import { SimNuki, type SimNukiOptions } from "../../firmware-sim/sim-nuki.ts";
import { nuki } from "../../gateway/drivers/nuki/driver.ts";
import type { Device, DeviceReport } from "../../gateway/ports/device.ts";
import type { LogFields, Logger } from "../../gateway/ports/logger.ts";
import type { MqttLink } from "../../gateway/ports/mqtt-link.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { SimClock } from "./sim-clock.ts";
import { until } from "./until.ts";

export const smartlockId = 17_340_021;
export const token = "0f3b7c-the-token-of-the-account";
const noon = Date.UTC(2031, 2, 4, 12);
/** Each turn of the event loop is worth so much, so a request is answered within a second or two of this time. */
const stepMs = 100;

export interface NukiSiteOptions {
  readonly options?: object;
  readonly lock?: Partial<SimNukiOptions>;
  /** More locks of the account, each with a device of its own. */
  readonly others?: readonly number[];
}

/** Hears all and answers nothing, to changes or to everything; what the rates of the record cannot say. */
export class SilentFaults extends Faults {
  silence: "none" | "changes" | "all" = "none";

  override pass(payload: string, isReply?: boolean): Passage {
    const isSwallowed = this.silence === "all" ? isReply !== undefined : this.silence === "changes" && isReply;
    return isSwallowed ? { copies: [], breaks: false } : super.pass(payload, isReply);
  }
}

/** Nothing listens yet, and nothing is started. */
export async function givenNukiSite(
  t: TestContext,
  { options = {}, lock: lockOptions, others = [] }: NukiSiteOptions = {},
) {
  const clock = new SimClock(noon);
  const locks = [smartlockId, ...others].map((id) => new SimNuki({ id, name: `door ${id}`, clock, ...lockOptions }));
  const faults = new SilentFaults();
  const web = new NukiWebServer({ locks, token, clock, faults });
  const { url } = await web.start();
  await web.stop();
  const logged: string[] = [];
  const context = {
    clock,
    logger: recorder(logged),
    mqtt: noMqtt,
    secret: (name: string) => (name === "token" ? new SecretString(token) : undefined),
  };
  const aDevice = (id: number): Device =>
    nuki.create(`nuki-${id}`, { smartlockId: id, url, pollMs: 5_000, ...options }, context);
  const devices = locks.map(({ id }) => aDevice(id));
  const [device] = devices;
  const [lock] = locks;
  if (!device || !lock) throw new Error("there is always one");

  const ended = new AbortController();
  const running = runClock(clock, ended.signal);
  t.after(async () => {
    await Promise.all(devices.map((each) => each.stop()));
    ended.abort();
    await running;
    await web.stop();
  });
  return {
    ...{ clock, lock, locks, faults, web, url, device, devices, logged, context },
    appear: async () => {
      await web.start();
      web.restoreLine(lock.id);
      await until("the device is online", () => device.status().link === "online");
    },
    /** So much time goes by, and everybody gets to do what falls into it. */
    pass: (ms: number) => {
      const at = clock.monotonic() + ms;
      return until(`${ms} ms have passed`, () => clock.monotonic() >= at);
    },
    changes: () => web.calls.filter(({ method, path }) => method !== "GET" && path.includes("/auth")).length,
  };
}

export function collect(device: Device): DeviceReport[] {
  const reports: DeviceReport[] = [];
  device.subscribe(async (report) => {
    reports.push(report);
  });
  return reports;
}

async function runClock(clock: SimClock, ended: AbortSignal): Promise<void> {
  while (!ended.aborted) {
    await pause(1);
    const next = clock.monotonic() + stepMs;
    while (clock.step(next)) await pause(0);
  }
}

function recorder(lines: string[]): Logger {
  const write = (level: string) => (event: string, fields?: LogFields) => {
    lines.push(`${level} ${event} ${inspect(fields, { depth: 10, showHidden: true })}`);
  };
  const logger: Logger = {
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    child: () => logger,
  };
  return logger;
}

const noMqtt: MqttLink = {
  publish: async () => false,
  onMessage: () => () => undefined,
  onSubscribed: () => () => undefined,
  onConnection: () => () => undefined,
};
