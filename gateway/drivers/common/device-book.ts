/** What a driver knows of its device, and what of that has been written down: kept the same way by every driver that is told facts, not messages. */
import type { BoltState, DoorState } from "../../domain/access-point.ts";
import type { Instant } from "../../domain/instant.ts";
import { GatewayError } from "../../errors.ts";
import type { DeviceReport, DeviceStatus, Lock, ReportListener, Unsubscribe } from "../../ports/device.ts";
import type { DriverContext } from "../../ports/driver.ts";

/** What a device says of itself; absent: nothing yet. */
export interface DeviceFacts {
  readonly bolt?: BoltState;
  readonly door?: DoorState;
  /** Percent. */
  readonly battery?: number;
  readonly tamper?: boolean;
  readonly firmware?: string;
}

interface Known extends DeviceFacts {
  readonly link?: "online" | "offline";
}

/** In the order in which they are told. */
const news = ["link", "bolt", "door", "tamper", "battery"] as const;
type News = (typeof news)[number];

export class DeviceBook {
  readonly #clock: DriverContext["clock"];
  readonly #logger: DriverContext["logger"];
  readonly #listeners = new Set<ReportListener>();
  #known: Known = {};
  /** What the listeners have been told of it. */
  #told: Known = {};
  /** What of that one of them did not take: told again, whatever it is by then. */
  readonly #untold = new Set<News>();
  #since: Instant;
  #untaken = 0;

  constructor({ clock, logger }: Pick<DriverContext, "clock" | "logger">) {
    this.#clock = clock;
    this.#logger = logger;
    this.#since = clock.wall();
  }

  /** Nothing is known, as after each start. */
  begin(): void {
    this.#known = {};
    this.#told = {};
    this.#untold.clear();
    this.#since = this.#clock.wall();
  }

  get link(): DeviceStatus["link"] {
    return this.#known.link ?? "unknown";
  }

  get facts(): DeviceFacts {
    return this.#known;
  }

  /** Reports that a listener has not taken yet. Whoever can be flooded by its device bounds them. */
  get untaken(): number {
    return this.#untaken;
  }

  status(): DeviceStatus {
    const { link = "unknown", bolt, ...facts } = this.#known;
    return { link, since: this.#since, ...facts };
  }

  lockState(): ReturnType<Lock["state"]> {
    const { bolt } = this.#known;
    return { bolt: bolt ?? "unknown", basis: bolt ? "reported" : "assumed" };
  }

  subscribe(listener: ReportListener): Unsubscribe {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The device is there. As note(). */
  come(facts: DeviceFacts = {}): Promise<boolean> {
    return this.#turn("online", facts);
  }

  /** The device is gone. As note(). */
  gone(): Promise<boolean> {
    return this.#turn("offline", {});
  }

  /** Tells what is new, and what was not taken when it was. Resolves with false when a listener did not take it; never rejects. */
  async note(facts: DeviceFacts): Promise<boolean> {
    this.#known = { ...this.#known, ...facts };
    const fresh = news.filter((fact) => this.#isNews(fact));
    this.#told = { ...this.#told, ...Object.fromEntries(fresh.map((fact) => [fact, this.#known[fact]])) };
    for (const fact of fresh) this.#untold.delete(fact);
    const taken = await Promise.all(fresh.map((fact) => this.#tellFact(fact)));
    return taken.every(Boolean);
  }

  /** Where the bolt is, nobody knows any more; that is no news. */
  forgetBolt(): void {
    const { bolt, ...kept } = this.#known;
    this.#known = kept;
  }

  /** Something that happened. Resolves with false when a listener did not take it; never rejects. */
  async tell(report: DeviceReport): Promise<boolean> {
    this.#untaken += 1;
    try {
      await Promise.all([...this.#listeners].map((listener) => listener(report)));
      return true;
    } catch (error) {
      // Whoever turns away a flood says so itself, now and then.
      const isFlood = error instanceof GatewayError && error.code === "device-floods";
      if (!isFlood) this.#logger.error("report-lost", { report: report.type, error: error as Error });
      return false;
    } finally {
      this.#untaken -= 1;
    }
  }

  #turn(link: "online" | "offline", facts: DeviceFacts): Promise<boolean> {
    if (this.#known.link !== link) this.#since = this.#clock.wall();
    this.#known = { ...this.#known, link };
    return this.note(facts);
  }

  #isNews(fact: News): boolean {
    const [now, before] = [this.#known[fact], this.#told[fact]];
    if (now === undefined) return false;
    if (this.#untold.has(fact)) return true;
    // That it is not there yet and that nobody meddles with it is no news at first.
    return now !== before && !(before === undefined && (now === "offline" || now === false));
  }

  async #tellFact(fact: News): Promise<boolean> {
    const value = this.#known[fact];
    const taken = await this.tell(reportOf(fact, this.#known)!);
    if (!taken && this.#told[fact] === value) this.#untold.add(fact);
    return taken;
  }
}

function reportOf(fact: News, { link, bolt, door, tamper, battery, firmware }: Known): DeviceReport | undefined {
  switch (fact) {
    case "link":
      return (
        link && { type: "presence", state: link, ...(link === "online" && firmware !== undefined && { firmware }) }
      );
    case "bolt":
      return bolt && { type: "bolt", state: bolt };
    case "door":
      return door && { type: "door", state: door };
    case "tamper":
      return tamper === undefined ? undefined : { type: "tamper", active: tamper };
    case "battery":
      return battery === undefined ? undefined : { type: "battery", percent: battery };
  }
}
