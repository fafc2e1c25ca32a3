/**
 * One connection to a Tuya device, or to the gateway behind which several locks hang: most take a single client, so all that speak to the
 * same device share it. Kept up while anyone uses it; requests go one after the other, and nothing is sent twice or later than asked.
 */

import type { Millis, Monotonic } from "../../domain/instant.ts";
import { GatewayError } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Logger } from "../../ports/logger.ts";
import { Connection, type ConnectionOptions, commands, type Dps, type Packet } from "./library.ts";

/**
 * Between two tries to connect: by chance between half of this and all of it, doubled with each failure up to the second. A session that
 * did not stand for as long as the second is a failure too.
 */
const pauseMs = { first: 2_000, most: 60_000 };
/** How long a request holds up the next while it is not answered; answers that come later still count. */
const turnMs: Millis = 1_000;
/** Requests that wait for their turn; more are not taken. */
const waitingMax = 16;

export interface LineUser {
  /** The lock behind the gateway that this user speaks to. */
  readonly cid: string | undefined;
  /** Asked for by name where a device does not answer a plain query. */
  readonly dps: readonly number[];
  /** `isPush`: the device said so by itself. */
  heard(dps: Readonly<Record<string, unknown>>, isPush: boolean): void;
  /** The connection broke, or a try to connect failed. */
  down(): void;
}

export interface LineOptions extends ConnectionOptions {
  /** For a session to stand, and for the first answer in it. */
  readonly deadlineMs: Millis;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** "taken": the device acknowledged it, which moves nothing yet · "lost": the connection broke first. */
export type Answer = "taken" | "refused" | "lost";

/** A write that was sent. */
export interface Sent {
  readonly answered: Promise<Answer>;
  /** Nobody waits any more. `isKnown`: what became of it, by what the lock showed. */
  end(isKnown: boolean): void;
}

interface Open {
  readonly kind: "write" | "query";
  readonly sequence: number;
  readonly user: LineUser;
  readonly settle: (answer: Answer) => void;
}

const lines = new Map<string, Line>();

/**
 * Joins the line to this device, which begins with its first user and ends with its last. Rejects what cannot be: two keys or versions for
 * the same device.
 */
export function joinLine(options: LineOptions, user: LineUser): { readonly line: Line; readonly leave: () => void } {
  const name = `${options.host} ${options.port} ${options.deviceId}`;
  const line = lines.get(name) ?? new Line(options);
  if (!line.fits(options))
    throw new GatewayError(
      "config-invalid",
      `deviceId: another device of this site reaches ${options.deviceId} at ${options.host} with another local key or version`,
      { key: "deviceId" },
    );
  lines.set(name, line);
  line.add(user);
  const leave = () => {
    if (line.remove(user) > 0) return;
    line.stop();
    if (lines.get(name) === line) lines.delete(name);
  };
  return { line, leave };
}

export class Line {
  readonly #options: LineOptions;
  readonly #users = new Set<LineUser>();
  readonly #stopped = new AbortController();
  #connection: Connection | undefined;
  /** The device has proved that it has our key: a session stands, or something it said could be read. */
  #understood = false;
  #understands: () => void = () => undefined;
  #lastHeard: Monotonic = Number.NEGATIVE_INFINITY;
  readonly #open = new Set<Open>();
  #turn: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  /** What was told of the last failure; each is told once, until the device is understood again. */
  #complaint: string | undefined;

  constructor(options: LineOptions) {
    this.#options = options;
    void this.#keepConnected();
  }

  /** Commands would reach the device. */
  get ready(): boolean {
    return this.#connection !== undefined && this.#understood;
  }

  fits({ localKey, version }: ConnectionOptions): boolean {
    return localKey.reveal() === this.#options.localKey.reveal() && version === this.#options.version;
  }

  add(user: LineUser): void {
    this.#users.add(user);
    if (this.ready) void this.query(user);
  }

  /** How many are left. */
  remove(user: LineUser): number {
    this.#users.delete(user);
    return this.#users.size;
  }

  stop(): void {
    this.#stopped.abort();
  }

  /** Ends this connection; the next is made after a pause. */
  hangUp(): void {
    this.#connection?.close();
  }

  /** undefined: certainly not sent, because the device is not there or `signal` fired before its turn came. */
  async write(user: LineUser, dps: Dps, gapMs: Millis, signal: AbortSignal): Promise<Sent | undefined> {
    if (!this.ready) return undefined;
    return this.#inTurn(gapMs, signal, () => {
      const connection = this.#connection;
      const sequence = this.ready ? connection?.write(dps, user.cid) : undefined;
      if (sequence === undefined) return undefined;
      const sentAt = this.#options.clock.monotonic();
      const { answered, forget } = this.#opened("write", sequence, user);
      const end = (isKnown: boolean) => {
        const isUnanswered = forget();
        // Silence is the end of a connection. And with 3.5 an answer that comes late would be taken for that to the next command.
        const isDoubtful = this.#lastHeard < sentAt || this.#options.version === "3.5";
        if (isUnanswered && !isKnown && isDoubtful) connection?.close();
      };
      return { answered, end };
    });
  }

  /** Asks what the lock's data points are; the user hears the answer, if one comes. */
  async query(user: LineUser): Promise<void> {
    await this.#inTurn(0, this.#stopped.signal, () => {
      const sequence = this.#connection?.query(user.cid);
      if (sequence === undefined) return undefined;
      for (const open of this.#open) if (open.kind === "query" && open.user === user) this.#open.delete(open);
      return this.#opened("query", sequence, user);
    });
  }

  /** Runs `send` when those before are answered or have held the line for long enough. */
  async #inTurn<T extends { readonly answered: Promise<Answer> }>(
    gapMs: Millis,
    signal: AbortSignal,
    send: () => T | undefined,
  ): Promise<T | undefined> {
    if (this.#waiting >= waitingMax) return undefined;
    const { clock } = this.#options;
    const before = this.#turn;
    const { promise, resolve: endTurn } = Promise.withResolvers<void>();
    this.#turn = promise;
    this.#waiting += 1;
    const came = before.then(() => {
      this.#waiting -= 1;
    });
    const waited = new AbortController();
    await Promise.race([came, fired(AbortSignal.any([signal, waited.signal]))]);
    waited.abort();
    const sent = signal.aborted ? undefined : send();
    if (!sent) {
      void came.then(endTurn);
      return undefined;
    }
    const ended = new AbortController();
    const until = AbortSignal.any([ended.signal, this.#stopped.signal]);
    const longEnough = clock.sleep(turnMs, until).catch(() => undefined);
    void Promise.race([sent.answered, longEnough])
      .then(() => ended.abort())
      .then(() => clock.sleep(gapMs, this.#stopped.signal))
      .then(endTurn, endTurn);
    return sent;
  }

  #opened(kind: Open["kind"], sequence: number, user: LineUser): { answered: Promise<Answer>; forget: () => boolean } {
    const { promise: answered, resolve } = Promise.withResolvers<Answer>();
    const forget = () => this.#open.delete(open);
    const settle = (answer: Answer) => {
      forget();
      resolve(answer);
    };
    const open: Open = { kind, sequence, user, settle };
    this.#open.add(open);
    return { answered, forget };
  }

  async #keepConnected(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#stopped;
    let failures = 0;
    while (!signal.aborted) {
      const began = clock.monotonic();
      const isUnderstood = await this.#session(signal);
      failures = isUnderstood && clock.monotonic() - began >= pauseMs.most ? 0 : failures + 1;
      const most = Math.min(pauseMs.most, pauseMs.first * 2 ** Math.min(Math.max(0, failures - 1), 10));
      await clock.sleep((most * (1 + Math.random())) / 2, signal).catch(() => undefined);
    }
  }

  /** One connection from its first to its last byte; true when the device was understood. */
  async #session(signal: AbortSignal): Promise<boolean> {
    const { clock, deadlineMs, version } = this.#options;
    const over = new AbortController();
    const understood = Promise.withResolvers<void>();
    let reached = false;
    this.#understood = false;
    this.#understands = () => {
      this.#understood = true;
      this.#complaint = undefined;
      understood.resolve();
    };
    const connection = new Connection(this.#options, {
      reached: () => {
        reached = true;
      },
      opened: () => {
        // A session is proof of the key; older protocols have none.
        if (version === "3.4" || version === "3.5") this.#understands();
        // A lock behind a gateway may be asleep; its gateway is not.
        else if ([...this.#users].every(({ cid }) => cid !== undefined)) void this.query(gatewayItself);
        for (const user of this.#users) void this.query(user);
      },
      packet: (packet) => this.#take(packet),
      closed: () => over.abort(),
    });
    const hangUp = () => connection.close();
    signal.addEventListener("abort", hangUp, { once: true });
    this.#connection = connection;
    connection.open();

    const inTime = new AbortController();
    const tooLate = clock.sleep(deadlineMs, AbortSignal.any([over.signal, inTime.signal])).catch(() => undefined);
    await Promise.race([understood.promise, tooLate]);
    inTime.abort();
    if (this.#understood) await fired(over.signal);
    else connection.close();

    signal.removeEventListener("abort", hangUp);
    this.#connection = undefined;
    for (const open of this.#open) open.settle("lost");
    if (!signal.aborted) {
      if (!this.#understood) this.#complain(reached ? "key-rejected?" : "unreachable");
      for (const user of this.#users) user.down();
    }
    return this.#understood;
  }

  #complain(event: "key-rejected?" | "unreachable"): void {
    if (event === this.#complaint) return;
    this.#complaint = event;
    const { logger, host } = this.#options;
    logger.warn(event, { host, ...(event === "key-rejected?" && { hint }) });
  }

  #take(packet: Packet): void {
    const { commandByte } = packet;
    this.#lastHeard = this.#options.clock.monotonic();
    if (commandByte === commands.heartbeat || commandByte === commands.sessionAnswer) return;
    const report = readReport(packet.payload);
    const isQueryAnswer = commandByte === commands.query || commandByte === commands.queryNew;
    const isWriteAnswer = commandByte === commands.control || commandByte === commands.controlNew;
    const open = isQueryAnswer || isWriteAnswer ? this.#openOf(packet, isQueryAnswer ? "query" : "write") : undefined;
    if (report) {
      this.#understands();
      const cid = report.cid ?? (isQueryAnswer ? open?.user.cid : undefined);
      for (const user of this.#users) if (user.cid === cid) user.heard(report.dps, commandByte === commands.status);
    } else if (isQueryAnswer && isRefusedQuery(packet.payload)) {
      this.#understands();
      if (open) void this.#askByName(open.user);
    }
    const isRefused = (packet.returnCode ?? 0) !== 0 || (isWriteAnswer && isText(packet.payload));
    open?.settle(isRefused ? "refused" : "taken");
  }

  /** 3.5 numbers its answers by itself: there it is the only request that waits, or nobody can tell. */
  #openOf({ sequenceN }: Packet, kind: Open["kind"]): Open | undefined {
    const open = [...this.#open].filter((each) => each.kind === kind);
    if (this.#options.version === "3.5") return open.length === 1 ? open[0] : undefined;
    return open.find(({ sequence }) => sequence === sequenceN);
  }

  /** Some devices take no plain query, and tell data points that are written as null. */
  async #askByName(user: LineUser): Promise<void> {
    if (user.dps.length === 0) return;
    const nothing = Object.fromEntries(user.dps.map((dp) => [String(dp), null]));
    const sent = await this.write(user, nothing, 0, this.#stopped.signal);
    if (!sent) return;
    const { clock, deadlineMs } = this.#options;
    const answered = new AbortController();
    void sent.answered.then(() => answered.abort());
    await clock.sleep(deadlineMs, AbortSignal.any([answered.signal, this.#stopped.signal])).catch(() => undefined);
    sent.end(true); // it moves nothing
  }
}

/** Asked for the sake of an answer. */
const gatewayItself: LineUser = { cid: undefined, dps: [], heard: () => undefined, down: () => undefined };

function fired(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

const hint =
  "The device answers but is not understood. Its local key changes when it is paired anew; or the version is another, or another client holds its only connection.";

/** undefined for acknowledgements and for what cannot be read. */
function readReport(payload: unknown): { dps: Readonly<Record<string, unknown>>; cid: string | undefined } | undefined {
  if (!isRecord(payload) || !isRecord(payload.dps)) return undefined;
  return { dps: payload.dps, cid: typeof payload.cid === "string" ? payload.cid : undefined };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !Buffer.isBuffer(value);
}

function isRefusedQuery(payload: unknown): boolean {
  const text = Buffer.isBuffer(payload) ? payload.toString("latin1") : payload;
  return typeof text === "string" && /data unvalid|data format error/.test(text);
}

function isText(payload: unknown): boolean {
  return (typeof payload === "string" || Buffer.isBuffer(payload)) && payload.length > 0;
}
