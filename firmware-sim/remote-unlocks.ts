/** Unlocking from afar, as an administrator does: asked of the cloud, and what became of it by the gateway's own word. */
import { z } from "zod";
import type { Clock } from "../gateway/ports/clock.ts";
import { HttpProblem } from "../web/problem.ts";
import { answerText } from "./answer-text.ts";

export interface CloudAccess {
  readonly url: string;
  readonly adminToken: string;
  readonly site: string;
}

export interface RemoteUnlock {
  /** "asked": the cloud has it · "taken": the gateway tells the lock · "expired": the gateway did not hear in time · else what came of it. */
  readonly state: "asked" | "taken" | "accepted" | "confirmed" | "refused" | "unknown" | "expired";
  /** Wall time when it was asked for. */
  readonly at: number;
}

/** What an event of the gateway says of a command. */
interface CommandWord {
  readonly type: string;
  readonly command?: number | undefined;
  readonly result?: string | undefined;
}

interface Asked extends RemoteUnlock {
  readonly command: number;
  readonly expiresAt: number;
}

const askMs = 5_000;
/** What the gateway took in the last moment is heard of so much later. */
const lagMs = 3_000;
const commandShape = z.object({ id: z.number(), expiresAt: z.string() });
const ends = new Set<unknown>([
  "accepted",
  "confirmed",
  "refused",
  "unknown",
  "expired",
] satisfies RemoteUnlock["state"][]);

export class RemoteUnlocks {
  readonly #cloud: CloudAccess;
  readonly #clock: Clock;
  /** By access point, the last of each. */
  readonly #asked = new Map<string, Asked>();

  constructor(cloud: CloudAccess, clock: Clock) {
    this.#cloud = cloud;
    this.#clock = clock;
  }

  /** Resolves once the cloud has it. Rejects with an HttpProblem when it does not take it. */
  async ask(accessPoint: string, signal: AbortSignal): Promise<void> {
    const { url, adminToken, site } = this.#cloud;
    const at = this.#clock.wall();
    const path = `/api/sites/${encodeURIComponent(site)}/access-points/${encodeURIComponent(accessPoint)}/unlock`;
    const command = await fetch(url + path, {
      method: "POST",
      headers: { authorization: `Bearer ${adminToken}` },
      signal: AbortSignal.any([signal, AbortSignal.timeout(askMs)]),
    })
      .then(async (response) => {
        const text = await answerText(response);
        return response.ok ? commandShape.parse(JSON.parse(text)) : response.status;
      })
      .catch(() => undefined);
    if (command === undefined)
      throw new HttpProblem(503, "cloud-away", "The cloud does not answer, so nothing was unlocked from afar.");
    if (typeof command === "number")
      throw new HttpProblem(409, "not-taken", `The cloud did not take it: it answered ${command}.`);
    this.#asked.set(accessPoint, {
      ...{ command: command.id, state: "asked", at },
      expiresAt: Date.parse(command.expiresAt),
    });
  }

  /** Newest first, as the gateway tells them. */
  hear(words: readonly CommandWord[]): void {
    for (const [accessPoint, asked] of this.#asked) {
      const state = this.#stateOf(asked, words);
      if (state !== asked.state) this.#asked.set(accessPoint, { ...asked, state });
    }
  }

  /** null: nobody has asked yet. */
  of(accessPoint: string): RemoteUnlock | null {
    const asked = this.#asked.get(accessPoint);
    return asked ? { state: asked.state, at: asked.at } : null;
  }

  #stateOf({ command, state, expiresAt }: Asked, words: readonly CommandWord[]): RemoteUnlock["state"] {
    const own = words.filter((word) => word.command === command);
    const result = own.find(({ type }) => type === "command-ended")?.result;
    if (ends.has(result)) return result as RemoteUnlock["state"];
    if (state === "asked" && own.some(({ type }) => type === "command-taken")) return "taken";
    return state === "asked" && this.#clock.wall() > expiresAt + lagMs ? "expired" : state;
  }
}
