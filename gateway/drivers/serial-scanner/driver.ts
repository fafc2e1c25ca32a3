/** A QR scanner on a serial port: what it reads is presented as a pass, and nothing it reads is trusted. */
import type { DeviceId } from "../../domain/access-point.ts";
import type { Millis, Monotonic } from "../../domain/instant.ts";
import type { Device, DeviceStatus, Reader, ReportListener, Unsubscribe } from "../../ports/device.ts";
import type { DriverContext, DriverFactory } from "../../ports/driver.ts";
import { SecretString } from "../../wire/secret.ts";
import { DeviceBook } from "../common/device-book.ts";
import { SerialLine } from "../common/serial-line.ts";
import type { Tty } from "../common/tty.ts";
import { type Frame, ScanFrames } from "./frames.ts";
import { type Options, parseOptions } from "./options.ts";
import { Repeats } from "./repeats.ts";
import { askBaudRate, commandFrame, lookOnce, ReplyFilter } from "./wire.ts";

export const serialScanner: DriverFactory = {
  create: (id, options, context) => new SerialScanner(id, parseOptions(options), context),
};

/** How long a module may take to say that it is one of the family. */
const answerMs: Millis = 2_000;
/** Scans that the gateway has not taken yet; more are not handed on. */
const untakenMax = 8;
/** What it refuses to read is logged so often at most. */
const complainEveryMs: Millis = 60_000;

class SerialScanner implements Device {
  readonly id: DeviceId;
  readonly reader: Reader;
  readonly #options: Options;
  readonly #context: DriverContext;
  readonly #book: DeviceBook;
  readonly #line: SerialLine;
  readonly #frames: ScanFrames;
  readonly #replies = new ReplyFilter();
  readonly #repeats: Repeats;
  /** Ends the wait for the rest of a frame. */
  #waiting = new AbortController();
  #isSilent = false;
  #refused = 0;
  #complainedAt: Monotonic | undefined;

  constructor(id: DeviceId, options: Options, context: DriverContext) {
    this.id = id;
    this.#options = options;
    this.#context = context;
    this.#book = new DeviceBook(context);
    this.#frames = new ScanFrames(options.framing === "line");
    this.#repeats = new Repeats(options.repeatMs);
    this.#line = new SerialLine({ path: options.port, baudRate: options.baudRate }, context, {
      onOpen: (tty, lost) => this.#open(tty, lost),
      onBytes: (bytes) => this.#take(bytes),
      onLost: () => this.#lose(),
    });
    this.reader = { kinds: ["pass"], feedback: (outcome) => this.#tell(outcome) };
  }

  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#line.isStarted) return;
    this.#book.begin();
    this.#isSilent = false;
    this.#line.start();
  }

  async stop(): Promise<void> {
    await this.#line.stop();
    this.#forget();
  }

  status(): DeviceStatus {
    const attention = this.#line.complaint ?? (this.#isSilent ? silent : undefined);
    return { ...this.#book.status(), ...(attention !== undefined && { attention }) };
  }

  subscribe(listener: ReportListener): Unsubscribe {
    return this.#book.subscribe(listener);
  }

  /** Makers' bytes, best effort: a scanner without such a command is silent. */
  async #tell(outcome: Parameters<Reader["feedback"]>[0]): Promise<void> {
    const { granted, denied, lockedOut = denied } = this.#options;
    const bytes = { granted, denied, "locked-out": lockedOut }[outcome];
    if (bytes) this.#line.write(bytes);
  }

  async #open(tty: Tty, lost: AbortSignal): Promise<void> {
    this.#forget();
    if (this.#options.model === "usb-cdc") {
      void this.#book.come();
      return;
    }
    tty.write(commandFrame(askBaudRate));
    void this.#expectAnswer(lost);
    if (this.#options.triggerMs !== undefined) void this.#keepLooking(this.#options.triggerMs, lost);
  }

  async #expectAnswer(lost: AbortSignal): Promise<void> {
    await this.#context.clock.sleep(answerMs, lost).catch(() => undefined);
    if (lost.aborted || this.#book.link === "online") return;
    this.#isSilent = true;
    this.#context.logger.warn("scanner-silent", { port: this.#options.port, why: silent });
  }

  async #keepLooking(everyMs: Millis, lost: AbortSignal): Promise<void> {
    while (!lost.aborted) {
      await this.#context.clock.sleep(everyMs, lost).catch(() => undefined);
      if (!lost.aborted) this.#line.write(commandFrame(lookOnce));
    }
  }

  #take(bytes: Buffer): void {
    const { model, framing, gapMs, frameMs } = this.#options;
    const { scanned, replies } = model === "gm65" ? this.#replies.push(bytes) : { scanned: bytes, replies: 0 };
    if (model === "gm65" && (replies > 0 || scanned.length > 0)) {
      this.#isSilent = false;
      void this.#book.come();
    }
    for (const frame of this.#frames.push(scanned)) this.#present(frame);
    this.#waiting.abort();
    this.#waiting = new AbortController();
    const { signal } = this.#waiting;
    const waitMs = framing === "gap" ? gapMs : frameMs;
    this.#context.clock.sleep(waitMs, signal).then(
      () => this.#endWaiting(),
      () => undefined,
    );
  }

  /** Nothing more has come. */
  #endWaiting(): void {
    this.#replies.forget();
    if (this.#options.framing === "gap") for (const frame of this.#frames.end()) this.#present(frame);
    else if (this.#frames.isOpen) {
      this.#frames.forget();
      this.#complain("cut");
    }
  }

  #present(frame: Frame): void {
    if (frame.kind === "refused") {
      this.#complain(frame.why);
      return;
    }
    if (this.#book.untaken >= untakenMax) {
      this.#complain("too-many");
      return;
    }
    const { prefix } = this.#options;
    const code = (frame.text.startsWith(prefix) ? frame.text.slice(prefix.length) : frame.text).trim();
    const pressedAt = this.#context.clock.monotonic();
    if (code === "" || this.#repeats.isRepeat(code, pressedAt)) return;
    void this.#book.tell({ type: "credential-presented", kind: "pass", value: new SecretString(code), pressedAt });
  }

  /** Never what was read: it may be somebody's pass. */
  #complain(why: string): void {
    const now = this.#context.clock.monotonic();
    this.#refused += 1;
    if (this.#complainedAt !== undefined && now - this.#complainedAt < complainEveryMs) return;
    this.#complainedAt = now;
    this.#context.logger.warn("scan-refused", { why, sinceLastTold: this.#refused });
    this.#refused = 0;
  }

  #lose(): void {
    this.#forget();
    void this.#book.gone();
  }

  /** What was being read when the port went, or before it was opened, is nobody's. */
  #forget(): void {
    this.#waiting.abort();
    this.#replies.forget();
    this.#frames.forget();
  }
}

const silent =
  "It does not answer as a scanner of the GM65 family: look at options.baudRate, or set options.model to usb-cdc if it only sends.";
