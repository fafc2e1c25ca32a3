/** How mail leaves the service. A channel sends and tells what became of it; that it is tried again is the outbox's business. */
import type { SecretString } from "../../gateway/wire/secret.ts";

export interface Mail {
  /** The same at every attempt, so that one that arrives twice is seen to be one. */
  readonly id: string;
  /** One recipient. */
  readonly to: string;
  readonly subject: string;
  /** Plain text; it may hold a link that is good once. */
  readonly text: SecretString;
}

/** `why`: for the log and the administrator; no address and nothing of the text. */
export type MailResult =
  | { readonly outcome: "sent" }
  /** "later": it may do at another time · "never": the recipient's server has refused it for good. */
  | { readonly outcome: "later" | "never"; readonly why: string };

export interface MailChannel {
  /** Always resolves; "later" once `signal` fires. */
  send(mail: Mail, signal: AbortSignal): Promise<MailResult>;
}
