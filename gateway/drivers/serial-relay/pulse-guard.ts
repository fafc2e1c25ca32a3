/**
 * Ends a pulse when the gateway cannot: the board has no timer, so a gateway that is killed, or hangs, would leave it released. A child that
 * is bash and nothing else (some 4 MB; a second Node takes ten times that) shares the open port. It secures when the line to the gateway ends,
 * for whatever reason, and when a time it was given is over. To secure twice does no harm, so it asks nobody.
 */
import { type ChildProcess, spawn } from "node:child_process";
import type { Writable } from "node:stream";
import type { Millis } from "../../domain/instant.ts";
import type { Clock } from "../../ports/clock.ts";
import { within } from "../common/within.ts";

/** To secure for the last time. */
const lastWordMs: Millis = 2_000;

/** The port is 3. A line is how many seconds from now to secure; an empty one, that there is nothing to secure. */
const script = `
trap '' HUP INT TERM
secure() { printf "$1" >&3; }
seconds=
while :; do
  if [ -n "$seconds" ]; then read -r -t "$seconds" line; else read -r line; fi
  result=$?
  if [ "$result" -gt 128 ]; then secure "$1"; seconds=
  elif [ "$result" -ne 0 ]; then break
  else seconds=$line
  fi
done
secure "$1"
sleep 0.1
secure "$1"
`;

export class PulseGuard {
  readonly #child: ChildProcess;
  readonly #line: Writable;
  /** Resolves when the process is gone; never rejects. */
  readonly ended: Promise<void>;

  private constructor(child: ChildProcess, line: Writable) {
    this.#child = child;
    this.#line = line;
    this.ended = new Promise((resolve) => {
      child.once("exit", () => resolve());
      child.once("error", () => resolve());
    });
    // Its end is told by `ended`.
    line.on("error", () => undefined);
  }

  /** `fd`: the open port. `frame`: what secures. Rejects where there is no bash. */
  static async start(fd: number, frame: Uint8Array): Promise<PulseGuard> {
    const octal = [...frame].map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
    const child = spawn("/bin/bash", ["--noprofile", "--norc", "-c", script, "postern-pulse-guard", octal], {
      stdio: ["pipe", "ignore", "ignore", fd],
      // Nothing it could be led astray by.
      env: { LC_ALL: "C" },
      cwd: "/",
      // A terminal's signals are not for it: it ends when the gateway does.
      detached: true,
    });
    const guard = new PulseGuard(child, child.stdin!);
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", (cause) =>
        reject(new Error("the relay's guard does not start: is there a /bin/bash?", { cause })),
      );
    });
    return guard;
  }

  /** Secures in so long from now, instead of when it was told before. */
  arm(inMs: Millis): void {
    this.#line.write(`${(inMs / 1_000).toFixed(3)}\n`);
  }

  /** The gateway has secured by itself. */
  disarm(): void {
    this.#line.write("\n");
  }

  /** It secures once more, and ends. Resolves when it has, or when it was ended for not doing so. */
  async stop(clock: Clock): Promise<void> {
    this.#line.end();
    await within(clock, lastWordMs, [], (late) => {
      late.addEventListener("abort", () => this.#child.kill("SIGKILL"));
      return this.ended;
    });
  }
}
