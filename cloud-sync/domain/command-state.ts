/** What is known of a command now. Only what the gateway says ends it; time alone never calls it "expired". */
import type { Instant } from "../../gateway/domain/instant.ts";

export type CommandState = "pending" | "taken" | "done" | "refused" | "expired" | "unknown";

export interface CommandFacts {
  readonly createdAt: Instant;
  readonly ttlMs: number;
  readonly handedAt: Instant | null;
  /** The gateway asked again after the command's life had ended, and did not know it. */
  readonly missedAt: Instant | null;
  readonly takenAt: Instant | null;
  /** The gateway's last word. */
  readonly result: string | null;
}

export function commandState(facts: CommandFacts, now: Instant): CommandState {
  switch (facts.result) {
    case "accepted":
    case "confirmed":
      return "done";
    case "refused":
    case "expired":
    case "unknown":
      return facts.result;
  }
  if (facts.takenAt !== null) return "taken";
  if (now - facts.createdAt < facts.ttlMs) return "pending";
  // Never handed out, or certainly not run: it never will be.
  return facts.handedAt === null || facts.missedAt !== null ? "expired" : "unknown";
}
