/** One epoch of one gateway's journal, as stored: every event there, as it was received, and the head as the gateway signed it. */
import { createHash } from "node:crypto";
import { headStatement } from "../../gateway/wire/gateway-api.ts";
import { chainNext, chainStart } from "../../gateway/wire/journal-line.ts";
import { isSigned } from "../gateway-key.ts";
import type { Finding, FindingKind } from "./finding.ts";
import type { CutFacts, GatewayFacts } from "./ledger.ts";

export class JournalCheck {
  readonly #gateway: GatewayFacts;
  readonly #epoch: number;
  readonly #tell: (finding: Finding) => void;
  #next: number;
  #chain: string;
  /** Nothing was found so far, so that the chain means something. */
  #holds = true;

  /** `cut`: where it begins; undefined: at its first event. */
  constructor(gateway: GatewayFacts, epoch: number, cut: CutFacts | undefined, tell: (finding: Finding) => void) {
    this.#gateway = gateway;
    this.#epoch = epoch;
    this.#tell = tell;
    this.#next = cut?.next ?? 1;
    this.#chain = cut?.chain ?? chainStart(gateway.id, epoch);
    if (epoch > gateway.epoch) this.#found("gap", undefined, "events of an epoch that was never given");
  }

  /** The next event in order. `bytes`: undefined when they are not there any more. */
  take(seq: number, bytes: Uint8Array | undefined, hash: string): void {
    if (seq !== this.#next) {
      const missing = seq - this.#next;
      this.#found("gap", this.#next, missing === 1 ? "is missing" : `and ${missing - 1} after it are missing`);
    }
    this.#next = seq + 1;
    if (bytes === undefined) {
      this.#found("altered", seq, "its text is not there any more");
      return;
    }
    if (createHash("sha256").update(bytes).digest("base64url") !== hash)
      this.#found("altered", seq, "its text is not what was received");
    this.#chain = chainNext(this.#chain, bytes);
    const { witness } = this.#gateway;
    if (this.#isCurrent && this.#holds && witness?.seq === seq && witness.head !== this.#chain)
      this.#found("head", seq, "the chain up to it is not the one the gateway vouched for when it polled");
  }

  /** No more events. */
  end(): void {
    if (!this.#isCurrent) return;
    const { id, next, head, headSignature, publicKey } = this.#gateway;
    const last = next - 1;
    if (this.#next < next) {
      const missing = next - this.#next;
      this.#found("gap", this.#next, missing === 1 ? "is missing" : `and ${missing - 1} after it are missing`);
    }
    if (this.#next > next) this.#found("gap", next, "and all after it were never confirmed to the gateway");
    if (last < 1 || !this.#holds) return;
    if (head !== this.#chain) {
      this.#found("head", last, "the chain over the events does not give the head that was received");
      return;
    }
    const isIts =
      publicKey && headSignature && isSigned(publicKey, headStatement(id, this.#epoch, last, head), headSignature);
    if (!isIts) this.#found("head", last, "the head is not signed by this gateway");
  }

  get #isCurrent(): boolean {
    return this.#epoch === this.#gateway.epoch;
  }

  #found(kind: FindingKind, seq: number | undefined, what: string): void {
    this.#holds = false;
    const { site, id } = this.#gateway;
    this.#tell({ kind, site, gateway: id, epoch: this.#epoch, ...(seq !== undefined && { seq }), what });
  }
}
