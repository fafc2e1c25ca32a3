/** Asks a host about a visitor, through the cloud: now or not at all. The answer comes as a command of a poll (ports/cloud-link.ts). */
import type { QuestionReply, WireQuestion } from "../wire/gateway-api.ts";

export interface QuestionLink {
  /** The same `id` once more asks nobody twice. Rejects once `signal` fires. */
  askHost(question: WireQuestion, signal: AbortSignal): Promise<QuestionReply>;
}
