/**
 * What the person at a reader is told, and when. That a door opens is no secret, so "granted" leaves at once, as the release does. Why one
 * stays shut is what somebody who guesses wants to know: a code that is over, revoked or another door's costs other work than one nobody
 * has. So every other answer is the same word, and leaves at a whole number of ticks after the press was taken in, whatever was found
 * meanwhile. It waits outside of its turn at the access point: the next person's door does not.
 */
import type { Millis, Monotonic } from "../domain/instant.ts";
import type { Reader } from "../ports/device.ts";
import type { SiteParts } from "./site-parts.ts";

export const answerTickMs: Millis = 150;

/**
 * Resolves when the reader was told, or when that is no use any more: the gateway stops, or the reader has a newer answer to give.
 * Never rejects. `takenAt`: when the press was taken in.
 */
export async function tellReader(
  site: SiteParts,
  reader: Reader,
  verdict: Parameters<Reader["feedback"]>[0],
  takenAt: Monotonic,
): Promise<void> {
  site.answers.get(reader)?.abort(new Error("a newer press was answered"));
  const superseded = new AbortController();
  site.answers.set(reader, superseded);
  try {
    if (verdict !== "granted") {
      const left = answerTickMs - ((site.clock.monotonic() - takenAt) % answerTickMs);
      await site.clock.sleep(left, AbortSignal.any([site.stopping, superseded.signal]));
    }
    await reader.feedback(verdict, site.stopping);
  } catch (error) {
    site.logger.debug("feedback-lost", { error: error as Error });
  } finally {
    if (site.answers.get(reader) === superseded) site.answers.delete(reader);
  }
}
