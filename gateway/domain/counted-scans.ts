/** Entries that guards have approved, by the number of the request that did: one that is sent again is answered with what became of the first. */
import type { EntryEvent, EventSeq } from "./entry-event.ts";
import type { GrantId } from "./grant.ts";

/** What became of an admission. "under-way": its outcome is not written down yet. */
export type ScanResult =
  | "under-way"
  | { readonly released: (EntryEvent & { type: "released" })["result"] }
  | { readonly void: (EntryEvent & { type: "void" })["why"] };

export interface CountedScan {
  readonly nonce: string;
  /** Number of the admission. */
  readonly of: EventSeq;
  readonly grant: GrantId;
  readonly result: ScanResult;
}

export type ScanItem = { readonly item: "scan" } & CountedScan;

/** A guard asks again within minutes; a gate sees hundreds a day. */
const scansMax = 2_000;

export class CountedScans {
  readonly #byNonce = new Map<string, CountedScan>();
  /** Nonces by their admission, while that is under way. */
  readonly #underWay = new Map<EventSeq, string>();

  find(nonce: string): CountedScan | undefined {
    return this.#byNonce.get(nonce);
  }

  apply(event: EntryEvent): void {
    switch (event.type) {
      case "admitted":
        if (event.scan?.nonce !== undefined)
          this.#add({ nonce: event.scan.nonce, of: event.seq, grant: event.grant, result: "under-way" });
        break;
      case "released":
        this.#end(event.of, { released: event.result });
        break;
      case "void":
        this.#end(event.of, { void: event.why });
        break;
    }
  }

  /** As it is at the call, oldest first. */
  dump(): ScanItem[] {
    return [...this.#byNonce.values()].map((scan) => ({ item: "scan", ...scan }));
  }

  restore({ nonce, of, grant, result }: ScanItem): void {
    this.#add({ nonce, of, grant, result });
  }

  #add(scan: CountedScan): void {
    this.#byNonce.set(scan.nonce, scan);
    if (scan.result === "under-way") this.#underWay.set(scan.of, scan.nonce);
    if (this.#byNonce.size <= scansMax) return;
    const [oldest] = this.#byNonce.values();
    if (!oldest) return;
    this.#byNonce.delete(oldest.nonce);
    this.#underWay.delete(oldest.of);
  }

  #end(of: EventSeq, result: ScanResult): void {
    const nonce = this.#underWay.get(of);
    const scan = nonce === undefined ? undefined : this.#byNonce.get(nonce);
    this.#underWay.delete(of);
    if (scan) this.#byNonce.set(scan.nonce, { ...scan, result });
  }
}
