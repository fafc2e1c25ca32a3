/** A lock that speaks Tuya's LAN protocol, by itself or behind a gateway, as its profile says. */
import type { BoltState, DeviceId, DoorState } from "../../domain/access-point.ts";
import type { Instant, Monotonic } from "../../domain/instant.ts";
import type {
  CommandResult,
  Device,
  DeviceReport,
  DeviceStatus,
  Lock,
  ReportListener,
  Unsubscribe,
} from "../../ports/device.ts";
import type { DriverContext, DriverFactory } from "../../ports/driver.ts";
import type { Dps } from "./library.ts";
import { joinLine, type Line, type LineUser } from "./line.ts";
import { type Keys, type Options, parseOptions, readKeys } from "./options.ts";
import { type Meaning, readDps } from "./read-dps.ts";
import { type KeyAnswer, readKeyAnswer, unlockWithKey } from "./remote-key.ts";

export const tuya: DriverFactory = {
  create: (id, options, context) => {
    const parsed = parseOptions(options);
    return new TuyaLock(id, parsed, readKeys(context, parsed.profile), context);
  },
};

/** Reports that the gateway has not taken yet; a lock that tells more is cut off, and connected anew. */
const reportsMax = 64;

/** What one report says, to who waits for the outcome of a command. */
type Watcher = (meaning: Meaning, keyAnswer: KeyAnswer | undefined) => void;

interface Facts {
  readonly bolt?: BoltState;
  readonly door?: DoorState;
  readonly battery?: number;
  readonly tamper?: boolean;
}

class TuyaLock implements Device {
  readonly id: DeviceId;
  readonly lock: Lock;
  readonly #options: Options;
  readonly #keys: Keys;
  readonly #context: DriverContext;
  readonly #listeners = new Set<ReportListener>();
  readonly #watchers = new Set<Watcher>();
  #untaken = 0;
  #running: { readonly stopped: AbortController; readonly line: Line; readonly leave: () => void } | undefined;
  #link: DeviceStatus["link"] = "unknown";
  #since: Instant;
  #facts: Facts = {};
  /** What the listeners have been told, and did not fail to take. */
  #told: Facts = {};
  /** Until then someone's request at the lock can be approved. */
  #requestUntil: Monotonic = Number.NEGATIVE_INFINITY;
  readonly #user: LineUser;

  constructor(id: DeviceId, options: Options, keys: Keys, context: DriverContext) {
    this.id = id;
    this.#options = options;
    this.#keys = keys;
    this.#context = context;
    this.#since = context.clock.wall();
    const { bolt, door, battery } = options.profile;
    this.#user = {
      cid: options.cid,
      dps: [bolt, door, battery].flatMap((each) => each?.dp ?? []),
      heard: (dps, isPush) => this.#hear(dps, isPush),
      down: () => this.#lost(),
    };
    this.lock = {
      relocks: options.profile.relocks,
      // How long it stays released is the lock's own affair, or the gateway's, which then tells it to secure itself.
      release: (_holdMs, signal) => this.#release(signal),
      secure: (signal) => this.#secure(signal),
      state: () => ({ bolt: this.#facts.bolt ?? "unknown", basis: this.#facts.bolt ? "reported" : "assumed" }),
    };
  }

  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#running) return;
    const { clock, logger } = this.#context;
    const { line, leave } = joinLine({ ...this.#options, localKey: this.#keys.localKey, clock, logger }, this.#user);
    this.#become("unknown");
    this.#facts = {};
    this.#told = {};
    this.#requestUntil = Number.NEGATIVE_INFINITY;
    this.#running = { stopped: new AbortController(), line, leave };
  }

  async stop(): Promise<void> {
    this.#running?.stopped.abort();
    this.#running?.leave();
    this.#running = undefined;
  }

  status(): DeviceStatus {
    const { bolt, ...facts } = this.#facts;
    return { link: this.#link, since: this.#since, ...facts };
  }

  subscribe(listener: ReportListener): Unsubscribe {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async #release(signal: AbortSignal): Promise<CommandResult> {
    const { unlock } = this.#options.profile;
    switch (unlock.by) {
      case "write":
        return this.#command({ [unlock.dp]: unlock.value }, "released", signal);
      case "approval":
        // Without a request the lock takes the approval and does nothing.
        if (this.#context.clock.monotonic() >= this.#requestUntil) return "refused";
        return this.#command({ [unlock.dp]: true }, "released", signal);
      case "remote-key": {
        const { remoteKey } = this.#keys;
        if (!remoteKey) return "refused";
        return this.#command({ [unlock.dp]: unlockWithKey(remoteKey, unlock.member) }, "released", signal);
      }
    }
  }

  async #secure(signal: AbortSignal): Promise<CommandResult> {
    const { lock } = this.#options.profile;
    return lock ? this.#command({ [lock.dp]: lock.value }, "secured", signal) : "refused";
  }

  /** "refused" where nothing was sent, or the lock said no. Never sent again. */
  async #command(dps: Dps, target: BoltState, signal: AbortSignal): Promise<CommandResult> {
    const running = this.#running;
    if (!running || signal.aborted) return "refused";
    const { deadlineMs, commandGapMs, profile } = this.#options;
    const settled = new AbortController();
    const until = AbortSignal.any([signal, running.stopped.signal, settled.signal]);
    const over = new AbortController();
    const timeUp = this.#context.clock.sleep(deadlineMs, until).catch(() => undefined);
    void timeUp.then(() => over.abort());
    try {
      const sent = await running.line.write(this.#user, dps, commandGapMs, over.signal);
      if (!sent) return "refused";
      const before = this.#facts.bolt;
      // Where it is now only the lock can say; what it said before must not pass for "secured" when the line breaks.
      if (before && target === "released") this.#facts = { ...this.#facts, bolt: "unknown" };
      const canBeProved =
        profile.bolt !== undefined || (profile.unlock.by === "approval" && profile.unlock.opened !== undefined);
      const outcome = this.#watch(target);
      void sent.answered.then((answer) => {
        if (answer === "refused") outcome.settle("refused");
        if (answer === "lost") outcome.settle();
        if (answer !== "taken") return;
        outcome.taken();
        if (!canBeProved) outcome.settle();
        // What stands already where it should be is not reported again.
        else if (before === target) void running.line.query(this.#user);
      });
      void timeUp.then(() => outcome.settle());
      const result = await outcome.result;
      outcome.end();
      // Nobody repeats it; what came of it is read instead.
      if (result === "unknown" || this.#facts.bolt === "unknown") void running.line.query(this.#user);
      sent.end(result !== "unknown");
      return result;
    } finally {
      settled.abort();
    }
  }

  #watch(target: BoltState) {
    const { promise: result, resolve } = Promise.withResolvers<CommandResult>();
    let isTaken = false;
    const watcher: Watcher = (meaning, keyAnswer) => {
      if (meaning.bolt === target || (target === "released" && meaning.commandOpened)) resolve("confirmed");
      if (target !== "released") return;
      if (keyAnswer === "taken") isTaken = true;
      if (keyAnswer === "refused") {
        this.#context.logger.warn("remote-key-refused", {
          hint: "Check the secret remoteKey and whether it is double-locked.",
        });
        resolve("refused");
      }
      if (keyAnswer === "unknown") resolve("unknown");
    };
    this.#watchers.add(watcher);
    return {
      result,
      taken: () => {
        isTaken = true;
      },
      /** Without a result of its own: what is known so far. */
      settle: (to?: CommandResult) => resolve(to ?? (isTaken ? "accepted" : "unknown")),
      end: () => this.#watchers.delete(watcher),
    };
  }

  #hear(dps: Readonly<Record<string, unknown>>, isPush: boolean): void {
    const { profile } = this.#options;
    const meaning = readDps(profile, dps, isPush);
    if (this.#link !== "online") {
      this.#become("online");
      this.#tell({ type: "presence", state: "online" });
    }
    if (meaning.requestSeconds !== undefined)
      this.#requestUntil = this.#context.clock.monotonic() + meaning.requestSeconds * 1_000;
    this.#note(meaning);
    for (const by of meaning.opened) this.#tell({ type: "opened-at-lock", by });
    const { unlock } = profile;
    const keyAnswer = unlock.by === "remote-key" && isPush ? readKeyAnswer(dps[unlock.dp], unlock.member) : undefined;
    for (const watcher of [...this.#watchers]) watcher(meaning, keyAnswer);
  }

  /** Tells what is new, or was not taken when it was. */
  #note({ bolt, door, battery, tamper }: Meaning): void {
    const news: Facts = {
      ...(bolt && { bolt }),
      ...(door && { door }),
      ...(battery !== undefined && { battery }),
      ...(tamper && { tamper }),
    };
    const before = this.#told;
    this.#facts = { ...this.#facts, ...news };
    this.#told = { ...before, ...news };
    if (bolt && bolt !== before.bolt) this.#tell({ type: "bolt", state: bolt }, "bolt");
    if (door && door !== before.door) this.#tell({ type: "door", state: door }, "door");
    if (battery !== undefined && battery !== before.battery)
      this.#tell({ type: "battery", percent: battery }, "battery");
    if (tamper && !before.tamper) this.#tell({ type: "tamper", active: true }, "tamper");
  }

  #lost(): void {
    const wasOnline = this.#link === "online";
    this.#requestUntil = Number.NEGATIVE_INFINITY;
    if (this.#link !== "offline") this.#become("offline");
    if (wasOnline) this.#tell({ type: "presence", state: "offline" });
  }

  /** `fact`: told again with the next report of it when a listener fails to take it. */
  #tell(report: DeviceReport, fact?: keyof Facts): void {
    const told = [...this.#listeners].map((listener) => listener(report));
    this.#untaken += told.length;
    for (const taken of told)
      taken
        .catch((error: Error) => {
          this.#context.logger.error("report-lost", { report: report.type, error });
          if (!fact) return;
          const { [fact]: _lost, ...kept } = this.#told;
          this.#told = kept;
        })
        .finally(() => {
          this.#untaken -= 1;
        });
    if (this.#untaken <= reportsMax) return;
    this.#context.logger.warn("reports-flood", { untaken: this.#untaken });
    this.#running?.line.hangUp();
  }

  #become(link: DeviceStatus["link"]): void {
    this.#link = link;
    this.#since = this.#context.clock.wall();
  }
}
