/** A lockbox with keypad, bolt and door contact that speaks wire/lockbox.ts through the site's broker. */
import { randomUUID } from "node:crypto";
import type { BoltState, DeviceId, DoorState } from "../../domain/access-point.ts";
import type { DeviceOrigin } from "../../domain/entry-event.ts";
import type { Instant, Millis, Monotonic } from "../../domain/instant.ts";
import type {
  CommandResult,
  Device,
  DeviceReport,
  DeviceStatus,
  Locator,
  Lock,
  Reader,
  ReportListener,
  Unsubscribe,
} from "../../ports/device.ts";
import type { DriverContext, DriverFactory } from "../../ports/driver.ts";
import type { MqttDialect } from "../../ports/mqtt-link.ts";
import { type LockboxCommand, type LockboxMessage, lockboxTopics, signCommand } from "../../wire/lockbox.ts";
import { SecretString } from "../../wire/secret.ts";
import { BoxClock } from "./box-clock.ts";
import { OpenCommands, type Reply } from "./open-commands.ts";
import { type Options, parseKey, parseOptions } from "./options.ts";
import { lockboxDialect, readUplink, type Uplink } from "./wire.ts";

/** The broker and a box have no window of their own; more unanswered commands than this are not sent. */
const openCommandsMax = 8;
/** How often a living box is told its intervals again: each answer tells how its clock stands, and clocks drift apart. */
const configureEveryMs: Millis = 3_600_000;
/** What the wire allows a strike to stay released. */
const holdMs = { min: 100, max: 600_000 };

export const mqttLockbox: DriverFactory = {
  create: (id, options, context) =>
    new MqttLockbox(id, parseOptions(options), parseKey(context.secret("key")), context),
};

type Action = LockboxCommand extends infer Command
  ? Command extends LockboxCommand
    ? Omit<Command, "id" | "device" | "boot" | "notAfterUp">
    : never
  : never;

class MqttLockbox implements Device {
  readonly id: DeviceId;
  readonly lock: Lock;
  readonly reader: Reader;
  readonly locator: Locator;
  readonly mqtt: MqttDialect;
  readonly #options: Options;
  readonly #key: Uint8Array;
  readonly #context: DriverContext;
  readonly #listeners = new Set<ReportListener>();
  readonly #open: OpenCommands;
  #running: { readonly stopped: AbortController; readonly leave: Unsubscribe } | undefined;

  #link: DeviceStatus["link"] = "unknown";
  #since: Instant;
  #facts: Facts = {};
  #boot: number | undefined;
  /** The box has said hello since it subscribed: a box that starts anew must connect anew, so its boot stands till then. */
  #greeted = false;
  /** A hello of this boot was heard: before it nobody can say how old a press is, for the box may have kept it. */
  #bootIsGreeted = false;
  /** On the box's clock: what was pressed before is old. */
  #pressesFrom: Millis = 0;
  #boxClock = new BoxClock();
  #lastHeard: Monotonic = Number.NEGATIVE_INFINITY;
  /** Counts connections begun and ended, so that a grace time knows whether it was outlived. */
  #connection = 0;
  /** The id of the configure command that is not answered yet. */
  #configuring: string | undefined;
  #configuredAt: Monotonic = Number.NEGATIVE_INFINITY;
  #unreadable = 0;
  /** What the listeners have been told and have not taken yet, and what was known before that. */
  #underWay:
    | {
        readonly before: { readonly facts: Facts; readonly link: DeviceStatus["link"] };
        readonly taken: Promise<unknown>;
      }
    | undefined;

  constructor(id: DeviceId, options: Options, key: Uint8Array, context: DriverContext) {
    this.id = id;
    this.mqtt = lockboxDialect(id);
    this.#options = options;
    this.#key = key;
    this.#context = context;
    this.#open = new OpenCommands(context.clock);
    this.#since = context.clock.wall();
    this.lock = {
      relocks: "by-itself",
      release: (wanted, signal) => this.#release(wanted, signal),
      secure: (signal) => this.#secure(signal),
      // A box that is released while it is released begins its window anew and leaves the bolt where it is.
      hold: (windowMs, signal) => this.#release(windowMs, signal),
      state: () => ({ bolt: this.#facts.bolt ?? "unknown", basis: this.#facts.bolt ? "reported" : "assumed" }),
    };
    this.reader = {
      kinds: options.reads,
      feedback: async (outcome, signal) => {
        if (!signal.aborted) await this.#send({ action: "feedback", outcome });
      },
    };
    this.locator = { identify: (signal) => this.#command({ action: "identify" }, undefined, signal) };
  }

  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#running) return;
    const { mqtt } = this.#context;
    this.#become("unknown");
    this.#facts = {};
    this.#forgetBoot();
    const stopped = new AbortController();
    const leaving = [
      mqtt.onMessage((topic, payload) => this.#hear(topic, payload)),
      mqtt.onSubscribed(() => {
        this.#greeted = false;
        this.#configure();
      }),
      mqtt.onConnection((connected) => this.#connectionChanged(connected, stopped.signal)),
    ];
    this.#running = { stopped, leave: () => leaving.forEach((leave) => void leave()) };
    void this.#watchHeartbeat(stopped.signal);
  }

  /** Whoever waits for a reply is told "unknown". */
  async stop(): Promise<void> {
    this.#running?.leave();
    this.#running?.stopped.abort();
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

  async #release(wanted: Millis, signal: AbortSignal): Promise<CommandResult> {
    const bounded = Math.round(Math.min(Math.max(wanted, holdMs.min), holdMs.max));
    return this.#command({ action: "release", holdMs: bounded }, "released", signal);
  }

  async #secure(signal: AbortSignal): Promise<CommandResult> {
    return this.#command({ action: "secure" }, "secured", signal);
  }

  /** "refused" where nothing was sent: the bolt has certainly not moved. */
  async #command(action: Action, proof: BoltState | undefined, signal: AbortSignal): Promise<CommandResult> {
    const stopped = this.#running?.stopped.signal;
    const boot = this.#boot;
    if (!stopped || stopped.aborted || signal.aborted || boot === undefined) return "refused";
    if (this.#open.count >= openCommandsMax) return "refused";
    const id = randomUUID();
    const reply = this.#open.reply(id, boot, this.#options.replyDeadlineMs, AbortSignal.any([signal, stopped]));
    if (!(await this.#send(action, id))) {
      this.#open.forget(id);
      await reply;
      return "refused";
    }
    return resultOf(await reply, proof);
  }

  /** False when the command was certainly not sent: the box is not there, or its clock is not known. */
  async #send(action: Action, id: string = randomUUID()): Promise<boolean> {
    const up = this.#boxClock.earliestUp(this.#context.clock.monotonic());
    if (!this.#running || this.#boot === undefined || up === undefined) return false;
    const facts = {
      id,
      device: this.id,
      boot: this.#boot,
      notAfterUp: Math.max(0, Math.floor(up + this.#options.commandTtlMs)),
    };
    return this.#context.mqtt.publish(
      lockboxTopics.of(this.id, "command"),
      signCommand({ ...facts, ...action } as LockboxCommand, this.#key),
    );
  }

  /** After each connection and each boot: how often the box shall speak. Its answer also tells how its clock stands. */
  #configure(): void {
    const stopped = this.#running?.stopped.signal;
    if (!stopped || this.#boot === undefined || this.#open.count >= openCommandsMax) return;
    if (this.#configuring !== undefined) return;
    const { heartbeatMs, batteryMs, replyDeadlineMs } = this.#options;
    const id = randomUUID();
    this.#configuring = id;
    void this.#open.reply(id, this.#boot, replyDeadlineMs, stopped).then((reply) => {
      if (this.#configuring === id) this.#configuring = undefined;
      if (reply) this.#configuredAt = this.#context.clock.monotonic();
    });
    void this.#send({ action: "configure", heartbeatMs, batteryMs }, id).then((sent) => {
      if (!sent) this.#open.forget(id);
    });
  }

  /** Resolves when every listener has what the message reports. What cannot be read is acknowledged: it would only come again. */
  async #hear(topic: string, payload: string): Promise<void> {
    const uplink = readUplink(this.id, topic, payload);
    if (!uplink) {
      this.#unreadable += 1;
      this.#context.logger.warn("message-unreadable", { topic, count: this.#unreadable });
      return;
    }
    const underWay = this.#underWay ?? { before: { facts: this.#facts, link: this.#link }, taken: Promise.resolve() };
    const told = this.#take(uplink).flatMap((report) => [...this.#listeners].map((listener) => listener(report)));
    // A message without news may be the second copy of one whose news is not taken yet.
    const taken = Promise.all([underWay.taken, ...told]);
    const mine = { ...underWay, taken };
    this.#underWay = mine;
    try {
      await taken;
    } catch (error) {
      // what was not taken is reported again when the message comes again
      this.#facts = underWay.before.facts;
      this.#link = underWay.before.link;
      throw error;
    } finally {
      if (this.#underWay === mine) this.#underWay = undefined;
    }
  }

  #take({ name, message }: Uplink): DeviceReport[] {
    const now = this.#context.clock.monotonic();
    if (name === "presence") return message.online ? this.#present(message, now) : this.#gone();
    const doubts = this.#noteTime(message.boot, message.up, now);
    const isOfThisBoot = message.boot === this.#boot;
    // A number of another boot must not hide which of this one were heard.
    const origin: { origin?: DeviceOrigin } =
      isOfThisBoot && "seq" in message ? { origin: { device: this.id, boot: message.boot, seq: message.seq } } : {};
    const alive = [...this.#alive(now), ...doubts];
    if (name === "heartbeat") {
      if (now - this.#configuredAt > configureEveryMs) this.#configure();
      return alive;
    }
    switch (name) {
      case "attempt": {
        // Before the hello nothing tells a press that waited in the box from one that is made now.
        const isNew = isOfThisBoot && this.#bootIsGreeted && message.up >= this.#pressesFrom;
        const pressedAt = isNew ? this.#boxClock.when(message.up, now) : undefined;
        const value = new SecretString(message.value);
        return [
          ...alive,
          {
            type: "credential-presented",
            kind: message.kind,
            value,
            pressedAt: pressedAt ?? Number.NEGATIVE_INFINITY,
            ...origin,
          },
        ];
      }
      case "state":
        return [...alive, ...this.#moved(message, origin.origin)];
      case "reply": {
        const askedAt = this.#open.take(message);
        if (askedAt !== undefined && isOfThisBoot) this.#boxClock.answered(message.up, askedAt, now);
        return [...alive, ...this.#moved(message, origin.origin)];
      }
      case "battery":
        return [
          ...alive,
          ...this.#changed({ battery: message.percent }, { type: "battery", percent: message.percent, ...origin }),
        ];
      case "tamper":
        return [
          ...alive,
          ...this.#changed({ tamper: message.active }, { type: "tamper", active: message.active, ...origin }),
        ];
    }
  }

  /** The box says hello: this boot is the one it is in, whatever we thought. */
  #present({ boot, up, firmware }: LockboxMessage<"presence"> & { online: true }, now: Monotonic): DeviceReport[] {
    const before = this.#boot;
    const wentBack = before !== undefined && boot < before;
    const isOdd = before !== undefined && boot !== before && (wentBack || this.#greeted);
    if (boot !== before) this.#forgetBoot(boot);
    // A number that is used once more cannot tell a press from its repeat; only what follows the hello is new.
    if (wentBack) this.#pressesFrom = up;
    this.#greeted = true;
    this.#bootIsGreeted = true;
    // Whatever it said of its clock before is not held to be true: one wrong number would stand for the whole boot.
    this.#boxClock = new BoxClock();
    this.#boxClock.heard(up, now);
    this.#facts = { ...this.#facts, bootDoubted: false, ...(firmware !== undefined && { firmware }) };
    const reports = [...this.#alive(now), ...(isOdd ? this.#doubt(boot, before) : [])];
    this.#configure();
    return reports;
  }

  /** Follows the box into a boot we had not heard of. What else is not of the boot it is in says nothing of now. */
  #noteTime(boot: number, up: Millis, now: Monotonic): DeviceReport[] {
    if (this.#boot !== undefined && boot < this.#boot) return [];
    if (this.#boot !== undefined && boot > this.#boot && this.#greeted) return this.#doubt(this.#boot, boot);
    if (boot !== this.#boot) {
      this.#forgetBoot(boot);
      this.#configure();
    }
    this.#boxClock.heard(up, now);
    return [];
  }

  /** Told once, until a hello that raises no doubt. */
  #doubt(boot: number, other: number): DeviceReport[] {
    if (this.#facts.bootDoubted) return [];
    this.#facts = { ...this.#facts, bootDoubted: true };
    this.#context.logger.warn("boot-doubted", { boot, other });
    return [{ type: "boot-doubted", boot, other }];
  }

  #alive(now: Monotonic): DeviceReport[] {
    this.#lastHeard = now;
    if (this.#link === "online") return [];
    this.#become("online");
    const { firmware } = this.#facts;
    return [{ type: "presence", state: "online", ...(firmware !== undefined && { firmware }) }];
  }

  #gone(): DeviceReport[] {
    if (this.#link === "offline") return [];
    this.#become("offline");
    return [{ type: "presence", state: "offline" }];
  }

  /** Bolt and door of one message, if it is of this boot. The last report alone carries the origin, or the second would look like a repeat of the first. */
  #moved({ bolt, door }: { bolt: BoltState; door: DoorState }, origin: DeviceOrigin | undefined): DeviceReport[] {
    if (!origin) return [];
    const reports: DeviceReport[] = [];
    if (bolt !== this.#facts.bolt) reports.push({ type: "bolt", state: bolt });
    if (door !== this.#facts.door) reports.push({ type: "door", state: door });
    this.#facts = { ...this.#facts, bolt, door };
    const last = reports.pop();
    return last ? [...reports, { ...last, origin } as DeviceReport] : [];
  }

  #changed(facts: Facts, report: DeviceReport): DeviceReport[] {
    const isNews = Object.entries(facts).some(([key, value]) => this.#facts[key as keyof Facts] !== value);
    this.#facts = { ...this.#facts, ...facts };
    return isNews ? [report] : [];
  }

  #connectionChanged(connected: boolean, stopped: AbortSignal): void {
    this.#connection += 1;
    const connection = this.#connection;
    if (connected) return;
    this.#context.clock.sleep(this.#options.reconnectGraceMs, stopped).then(
      () => {
        if (this.#connection === connection) this.#lost("connection");
      },
      () => undefined,
    );
  }

  async #watchHeartbeat(stopped: AbortSignal): Promise<void> {
    const { clock } = this.#context;
    const { heartbeatMs, reconnectGraceMs } = this.#options;
    try {
      while (!stopped.aborted) {
        const left = this.#lastHeard + 2 * heartbeatMs + reconnectGraceMs - clock.monotonic();
        if (this.#link === "online" && left <= 0) this.#lost("heartbeat");
        await clock.sleep(this.#link === "online" ? Math.max(1, left) : heartbeatMs, stopped);
      }
    } catch (error) {
      if (!stopped.aborted) throw error;
    }
  }

  #lost(why: "connection" | "heartbeat"): void {
    for (const report of this.#gone()) {
      this.#context.logger.warn("device-lost", { why });
      for (const listener of this.#listeners)
        listener(report).catch((error: Error) => this.#context.logger.error("report-lost", { error }));
    }
  }

  #become(link: DeviceStatus["link"]): void {
    this.#link = link;
    this.#since = this.#context.clock.wall();
  }

  /** What was known of the box's clock and of its bolt is void once it has started anew. */
  #forgetBoot(boot?: number): void {
    if (this.#configuring !== undefined) this.#open.forget(this.#configuring);
    this.#configuring = undefined;
    this.#boot = boot;
    this.#bootIsGreeted = false;
    this.#pressesFrom = 0;
    this.#boxClock = new BoxClock();
    const { bolt, door, ...kept } = this.#facts;
    this.#facts = kept;
  }
}

interface Facts {
  readonly bolt?: BoltState;
  readonly door?: DoorState;
  readonly battery?: number;
  readonly tamper?: boolean;
  readonly bootDoubted?: boolean;
  readonly firmware?: string;
}

/** `proof`: the bolt that shows it, where one does. "repeated" was executed before, so it moved; without a reply nobody knows. */
function resultOf(reply: Reply | undefined, proof: BoltState | undefined): CommandResult {
  switch (reply?.result) {
    case "done":
      return reply.bolt === proof ? "confirmed" : "accepted";
    case "repeated":
      return "accepted";
    case "refused":
    case "expired":
      return "refused";
    case undefined:
      return "unknown";
  }
}
