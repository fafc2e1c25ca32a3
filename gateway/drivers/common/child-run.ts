/** One life of a supervised child: a process that is started, watched, asked, and ended when it hangs, leaks, floods or speaks rubbish. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Duplex, Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { z } from "zod";
import type { Millis } from "../../domain/instant.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Logger } from "../../ports/logger.ts";
import type { SecretString } from "../../wire/secret.ts";
import { BoundedLines } from "./bounded-lines.ts";
import { beatMs, frameBytesMax, frameOf, type Order, readFrame, type Word, wordSchema } from "./child-frames.ts";
import { ChildOutput, withoutSecrets } from "./child-output.ts";
import { type AskOptions, type ChildAnswer, OpenAsks } from "./open-asks.ts";
import { residentBytes } from "./process-memory.ts";

export interface ChildSpec<Answer, News> {
  /** The module that runs in it, one of ours that calls serveParent() (child-side.ts). Node strips its types itself, so no JSX. */
  readonly module: URL;
  /** What it is told first, made anew for each life. It may hold secrets in clear. */
  readonly begin: () => Promise<unknown>;
  readonly answer: z.ZodType<Answer>;
  readonly news: z.ZodType<News>;
  readonly onNews: (news: News) => void;
  /** What must not be seen in the log, as far as is known now. */
  readonly secrets: () => readonly SecretString[];
  /** The gateway's variables that begin so are this process's own, by the rest of their names: PREFIX_NODE_OPTIONS is its NODE_OPTIONS. */
  readonly environmentPrefix?: string;
}

export interface ChildLimits {
  /** From the start of the process to its first word that it is ready. */
  readonly startMs: Millis;
  /** Without a sign of life. */
  readonly hangMs: Millis;
  /** Resident bytes. */
  readonly memoryMax: number;
  /** Questions that are open. */
  readonly asksMax: number;
  /** Words a second. */
  readonly wordsMax: number;
  /** For what must not be left half done, when it is told to end. */
  readonly endMs: Millis;
}

export interface ChildEnd {
  readonly why: string;
  /** It ended as it said: not to be started again before. Undefined: it was ended, or broke down. */
  readonly awayMs?: Millis;
}

export interface ChildRunOptions<Answer, News> {
  readonly spec: ChildSpec<Answer, News>;
  readonly limits: ChildLimits;
  readonly clock: Clock;
  readonly logger: Logger;
}

const megabyte = 1024 * 1024;
/** Of V8's own heap, so that a leak ends there before the process is as large as it may be. */
const heapShare = 0.75;
/** Beats that do not come before the system is asked about its memory. */
const silentBeatsMax = 2;
/** What may wait in the pipe for a child that does not read. */
const unreadMax = 4 * frameBytesMax;
/** For its last words, once it is gone. */
const farewellMs: Millis = 500;

/** What it needs for its files, its words and its way to the internet. Whatever else the gateway was started with, secrets too, is not for it. */
const inherited = new Set([
  ...[
    "PATH",
    "HOME",
    "TMPDIR",
    "TZ",
    "LANG",
    "LC_ALL",
    "LD_LIBRARY_PATH",
    "MALLOC_ARENA_MAX",
    "MALLOC_TRIM_THRESHOLD_",
  ],
  ...["NODE_EXTRA_CA_CERTS", "NODE_USE_SYSTEM_CA", "SSL_CERT_FILE", "SSL_CERT_DIR"],
  ...["NODE_USE_ENV_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"],
]);

export class ChildRun<Answer, News> {
  /** Settles when the process is gone; never rejects. */
  readonly ended: Promise<ChildEnd>;
  readonly #options: ChildRunOptions<Answer, News>;
  readonly #asks: OpenAsks<Answer>;
  #line: Duplex | undefined;
  #kill: () => void = () => undefined;
  #isReady = false;
  #beatsMissed = 0;
  #rss = 0;
  #wordsLeft: number;
  /** Killed for what it did: nothing that it has said since counts. */
  #isCondemned = false;
  /** Why we ended it. */
  #why: string | undefined;
  #farewell: ChildEnd | undefined;

  constructor(options: ChildRunOptions<Answer, News>) {
    this.#options = options;
    this.#asks = new OpenAsks(options.clock, options.limits.asksMax);
    this.#wordsLeft = options.limits.wordsMax;
    this.ended = this.#live();
  }

  async ask(ask: unknown, options: AskOptions): Promise<ChildAnswer<Answer>> {
    if (!this.#isReady || this.#why !== undefined) return { kind: "unsent", why: "the process is not up" };
    return this.#asks.ask((id) => this.#say({ order: "ask", id, ask }), options);
  }

  /** Gives it the time it needs not to leave anything half done. */
  end(why: string): void {
    if (this.#why !== undefined) return;
    this.#why = why;
    this.#say({ order: "end" });
    const { clock, limits } = this.#options;
    const gone = new AbortController();
    void this.ended.then(() => gone.abort());
    clock.sleep(limits.endMs, gone.signal).then(
      () => this.#kill(),
      () => undefined,
    );
  }

  async #live(): Promise<ChildEnd> {
    const { spec, logger, clock } = this.#options;
    let begin: unknown;
    let child: ChildProcess;
    try {
      begin = await spec.begin();
      if (this.#why !== undefined) return { why: this.#why };
      child = this.#spawn();
      if (child.pid === undefined) throw (await once(child, "error"))[0];
    } catch (error) {
      return { why: `could not begin: ${error instanceof Error ? error.message : "unknown"}` };
    }
    const gone = new AbortController();
    const closed = new AbortController();
    child.once("close", () => closed.abort());
    child.on("error", () => undefined);
    const exit = new Promise<string>((resolve) => {
      child.once("exit", (code, signal) => resolve(signal ? `ended by ${signal}` : `exit code ${code}`));
    });
    this.#kill = () => void child.kill("SIGKILL");
    const [, stdout, stderr, line] = child.stdio as unknown as [null, Readable, Readable, Duplex];
    const output = new ChildOutput([stdout, stderr], logger, spec.secrets);
    this.#listen(line);
    this.#say({ order: "begin", begin });
    const watching = this.#watch(child.pid, output, gone.signal);
    const how = await exit;
    this.#isReady = false;
    gone.abort();
    await clock.sleep(farewellMs, closed.signal).catch(() => undefined);
    output.end();
    line.destroy();
    this.#asks.giveUp("the process ended");
    await watching;
    return this.#farewell ?? { why: this.#why ?? how };
  }

  #spawn(): ChildProcess {
    const heap = Math.floor((this.#options.limits.memoryMax * heapShare) / megabyte);
    const flags = [`--max-old-space-size=${heap}`, "--max-semi-space-size=1"];
    return spawn(
      process.execPath,
      [...flags, fileURLToPath(this.#options.spec.module), String(process.pid)],
      // One of our own besides the usual three: Node's channel between processes keeps whatever is sent, however much.
      { stdio: ["ignore", "pipe", "pipe", "pipe"], env: this.#environment() },
    );
  }

  #environment(): NodeJS.ProcessEnv {
    const all = Object.entries(process.env);
    const { environmentPrefix: prefix } = this.#options.spec;
    const own = prefix === undefined ? [] : all.filter(([name]) => name.startsWith(prefix));
    return Object.fromEntries([
      ...all.filter(([name]) => inherited.has(name.toUpperCase())),
      ...own.map(([name, value]) => [name.slice(prefix?.length), value]),
    ]);
  }

  #listen(line: Duplex): void {
    this.#line = line;
    const words = new BoundedLines(frameBytesMax, (text, isCut) => {
      this.#wordsLeft -= 1;
      if (this.#wordsLeft < 0) return this.#end("it floods");
      const word = isCut ? undefined : readFrame(wordSchema, text);
      if (word) this.#hear(word);
      else this.#end("it speaks rubbish");
    });
    line.on("data", (chunk: Buffer) => {
      if (!this.#isCondemned) words.push(chunk);
    });
    line.on("error", () => undefined);
  }

  #hear(word: Word): void {
    const { spec, logger } = this.#options;
    switch (word.word) {
      case "ready":
        this.#isReady = true;
        this.#beatsMissed = 0;
        return;
      case "beat":
        this.#beatsMissed = 0;
        this.#rss = word.rss;
        return;
      case "answer": {
        const answer = spec.answer.safeParse(word.answer);
        if (!answer.success) this.#end("it answers rubbish");
        else if (!this.#asks.answer(word.id, answer.data)) logger.debug("child-answered-late", { id: word.id });
        return;
      }
      case "news": {
        const news = spec.news.safeParse(word.news);
        if (news.success) spec.onNews(news.data);
        else this.#end("it tells rubbish");
        return;
      }
      case "log": {
        const secrets = spec.secrets();
        const fields = Object.entries(word.fields ?? {}).map(([name, value]) => [
          name,
          typeof value === "string" ? withoutSecrets(value, secrets) : value,
        ]);
        logger[word.level](word.event, Object.fromEntries(fields));
        return;
      }
      case "end":
        this.#isReady = false;
        this.#farewell = { why: withoutSecrets(word.why, spec.secrets()), awayMs: word.awayMs };
    }
  }

  async #watch(pid: number, output: ChildOutput, gone: AbortSignal): Promise<void> {
    const { clock, limits } = this.#options;
    for (let lookedMs = 0; !gone.aborted; lookedMs += beatMs) {
      await clock.sleep(beatMs, gone).catch(() => undefined);
      if (gone.aborted) return;
      output.refill();
      this.#wordsLeft = limits.wordsMax;
      // Looks are counted, not time: a gateway that stood still itself has heard nobody.
      this.#beatsMissed += 1;
      if (this.#beatsMissed > silentBeatsMax) this.#rss = (await residentBytes(pid)) ?? this.#rss;
      if (this.#rss > limits.memoryMax) this.#end(`it took ${Math.round(this.#rss / megabyte)} MB of memory`);
      else if (this.#isReady && this.#beatsMissed * beatMs >= limits.hangMs) this.#end("it hangs");
      else if (!this.#isReady && lookedMs >= limits.startMs) this.#end(`not ready within ${limits.startMs} ms`);
    }
  }

  /** At once: what it would say or do any more is of no worth. */
  #end(why: string): void {
    this.#isReady = false;
    this.#isCondemned = true;
    this.#why ??= why;
    this.#kill();
  }

  /** Why it could not. */
  #say(order: Order): string | undefined {
    const line = this.#line;
    const frame = frameOf(order);
    if (!line?.writable) return "the process is not up";
    if (Buffer.byteLength(frame) > frameBytesMax) return "too long";
    if (line.writableLength > unreadMax) return "the process does not read";
    line.write(frame);
    return undefined;
  }
}
