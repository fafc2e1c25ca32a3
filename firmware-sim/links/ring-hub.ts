/**
 * One Ring Alarm base station as its maker's service shows it: the documents of its devices, what it was last told by each, and whoever
 * listens on a socket. A command is not answered; that it was heard shows when the lock's document changes.
 */
import type { Clock } from "../../gateway/ports/clock.ts";
import type { Faults } from "../faults.ts";
import type { SimRingLock } from "../sim-ring-lock.ts";
import { type RingDocument, readCommands, ringDocument } from "./ring-messages.ts";

/** How the hub passes on. In milliseconds; may change at any time, and holds from the next command or report on. */
export interface RingDelivery {
  /** From a command's arrival until the lock has it. */
  commandMs: number;
  /** From a change at a lock until it is shown; what is shown is what was so then. */
  reportMs: number;
}

export const promptRingDelivery: RingDelivery = { commandMs: 200, reportMs: 0 };

/** Whoever listens. `send`: one message as JSON. */
export interface RingListener {
  send(message: string): void;
  close(): void;
  destroy(): void;
}

export interface RingCommand {
  readonly zid: string;
  readonly command: string;
  /** On the clock's monotonic time. */
  readonly at: number;
}

export interface RingHubOptions {
  readonly uuid: string;
  readonly locks: readonly SimRingLock[];
  readonly clock: Clock;
  readonly faults: Faults;
  readonly delivery: RingDelivery;
}

const commandsMax = 10_000;
const nobody = () => undefined;

export class RingHub {
  readonly uuid: string;
  readonly #options: RingHubOptions;
  readonly #listeners = new Set<RingListener>();
  readonly #shown = new Map<string, RingDocument>();
  readonly #commands: RingCommand[] = [];
  #online = true;
  #joined = 0;
  #messages = 0;
  #lost = 0;
  #running = new AbortController();
  #unwatch: (() => void)[] = [];

  constructor(options: RingHubOptions) {
    this.uuid = options.uuid;
    this.#options = options;
    for (const lock of options.locks) this.#shown.set(lock.zid, ringDocument(lock));
  }

  get online(): boolean {
    return this.#online;
  }

  /** How many sockets are open. */
  get listeners(): number {
    return this.#listeners.size;
  }

  /** How many have been opened, ever. */
  get joined(): number {
    return this.#joined;
  }

  /** How many messages have come from clients, be it while the hub is gone. */
  get messages(): number {
    return this.#messages;
  }

  /** What has reached it for its locks, in order, whether or not it was passed on. */
  get commands(): readonly RingCommand[] {
    return this.#commands;
  }

  start(): void {
    this.#running = new AbortController();
    this.#unwatch = this.#options.locks.map((lock) => {
      this.#show(lock, ringDocument(lock));
      return lock.onChange(() => this.#report(lock));
    });
  }

  /** What is on its way is lost, in both directions. */
  stop(): void {
    for (const unwatch of this.#unwatch) unwatch();
    this.#unwatch = [];
    this.#running.abort();
    for (const listener of this.#listeners) listener.destroy();
  }

  join(listener: RingListener): void {
    this.#listeners.add(listener);
    this.#joined += 1;
    if (!this.#online) this.#tellOne(listener, this.#session());
  }

  leave(listener: RingListener): void {
    this.#listeners.delete(listener);
  }

  /** The house has no line: the service is there, the hub is not. Nothing is asked of it, and nothing kept for it. */
  lose(): void {
    this.#online = false;
    this.#tell(this.#session());
  }

  comeBack(): void {
    this.#online = true;
    for (const lock of this.#options.locks) this.#shown.set(lock.zid, ringDocument(lock));
    this.#tell(this.#session());
  }

  /** The next commands, so many, come to nothing, and nobody says so. */
  loseCommands(times = Number.POSITIVE_INFINITY): void {
    this.#lost = times;
  }

  passCommands(): void {
    this.#lost = 0;
  }

  /** The service wants this connection ended and another begun. */
  tellToReconnect(): void {
    this.#tell({
      channel: "DataUpdate",
      msg: { msg: "DataUpdate", datatype: "HubDisconnectionEventType", src: this.uuid },
    });
  }

  /** Every socket breaks off, without a word. */
  breakSockets(): void {
    for (const listener of this.#listeners) listener.destroy();
  }

  /** `text`: as it came from `listener`. What cannot be read is not answered. */
  hear(text: string, listener: RingListener): void {
    this.#messages += 1;
    const [arrives] = this.#options.faults.pass(text).copies;
    if (!arrives) return;
    this.#after(arrives.afterMs, () => this.#obey(arrives.payload, listener));
  }

  #obey(text: string, listener: RingListener): void {
    const message = readMessage(text);
    if (!this.#online || message === undefined || message.dst !== this.uuid) return;
    if (message.msg === "DeviceInfoDocGetList") {
      const body = [...houseDocuments(this.uuid), ...this.#shown.values()];
      const msg = {
        msg: "DeviceInfoDocGetList",
        datatype: "DeviceInfoDocType",
        src: this.uuid,
        seq: message.seq,
        body,
      };
      this.#tellOne(listener, { channel: "message", msg });
    }
    if (message.msg === "DeviceInfoSet" && message.datatype === "DeviceInfoSetType")
      for (const { zid, command } of readCommands(message.body)) this.#command(zid, command);
  }

  #command(zid: string, command: string): void {
    this.#commands.push({ zid, command, at: this.#options.clock.monotonic() });
    if (this.#commands.length > commandsMax) this.#commands.shift();
    if (this.#lost > 0) {
      this.#lost -= 1;
      return;
    }
    const lock = this.#options.locks.find((one) => one.zid === zid);
    if (!lock) return;
    this.#after(this.#options.delivery.commandMs, () => {
      if (command === "lock.lock") lock.obey("lock");
      if (command === "lock.unlock") lock.obey("unlock");
    });
  }

  /** A lock out of reach says nothing; that it says nothing is what the hub tells. */
  #report(lock: SimRingLock): void {
    const heard = lock.inReach ? ringDocument(lock) : undefined;
    this.#after(this.#options.delivery.reportMs, () => {
      if (this.#online) this.#show(lock, heard ?? ringDocument(lock, this.#shown.get(lock.zid)));
    });
  }

  #show(lock: SimRingLock, document: RingDocument): void {
    if (JSON.stringify(this.#shown.get(lock.zid)) === JSON.stringify(document)) return;
    this.#shown.set(lock.zid, document);
    const body = [document];
    this.#tell({
      channel: "DataUpdate",
      msg: { msg: "DataUpdate", datatype: "DeviceInfoDocType", src: this.uuid, body },
    });
  }

  #session(): object {
    const connectionStatus = this.#online ? "online" : "unknown";
    const body = [{ assetUuid: this.uuid, kind: "base_station_v1", connectionStatus }];
    return { channel: "DataUpdate", msg: { msg: "SessionInfo", datatype: "SessionInfoType", src: this.uuid, body } };
  }

  #tell(message: object): void {
    for (const listener of this.#listeners) this.#tellOne(listener, message);
  }

  #tellOne(listener: RingListener, message: object): void {
    const { copies, breaks } = this.#options.faults.pass(JSON.stringify(message));
    for (const { afterMs, payload } of copies) this.#after(afterMs, () => listener.send(payload));
    if (breaks) listener.destroy();
  }

  #after(ms: number, act: () => void): void {
    const { signal } = this.#running;
    if (ms === 0) act();
    else
      this.#options.clock.sleep(ms, signal).then(() => {
        if (!signal.aborted) act();
      }, nobody);
  }
}

interface HubMessage {
  readonly msg?: unknown;
  readonly dst?: unknown;
  readonly datatype?: unknown;
  readonly seq?: unknown;
  readonly body?: unknown;
}

function readMessage(text: string): HubMessage | undefined {
  try {
    const { channel, msg } = JSON.parse(text) as { readonly channel?: unknown; readonly msg?: HubMessage };
    return channel === "message" ? msg : undefined;
  } catch {
    return undefined;
  }
}

/** What stands in every list beside the locks; of the vault nobody may read more than its name. */
function houseDocuments(uuid: string): readonly object[] {
  const types = [
    ["hub.redsky", "Base station"],
    ["security-panel", "Security panel"],
    ["access-code.vault", "Code vault"],
  ];
  return types.map(([deviceType, name], index) => ({
    general: { v2: { zid: `${uuid}-${index}`, name, deviceType, categoryId: 22, tags: [], tamperStatus: "ok" } },
    device: { v1: {} },
  }));
}
