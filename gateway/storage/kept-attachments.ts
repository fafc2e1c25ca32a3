/**
 * Photos and sheets in the data folder, each a file of its own: `attachments/NUMBER-BYTES-HASH.KIND`, with `.sent` behind it once the cloud has it.
 * Numbers grow, so the oldest go first when room is needed, whatever the clock says. One that the cloud does not have is never thrown away.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { GatewayError } from "../errors.ts";
import {
  type Attachment,
  type AttachmentId,
  type AttachmentKind,
  type Attachments,
  attachmentBytesMax,
  attachmentKinds,
} from "../ports/attachments.ts";
import type { Disk } from "../ports/disk.ts";
import { draftSuffix, isFull, listIfThere, removeIfThere, writeFileAtomically } from "./atomic-file.ts";

interface Kept {
  readonly number: number;
  readonly id: AttachmentId;
  readonly kind: AttachmentKind;
  readonly size: number;
  readonly isSent: boolean;
}

export interface KeptAttachmentsOptions {
  readonly disk: Disk;
  /** The data folder. */
  readonly folder: string;
  /** Of all files together. */
  readonly bytesMax: number;
}

export class KeptAttachments implements Attachments {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #bytesMax: number;
  /** In the order of their numbers. */
  readonly #kept = new Map<AttachmentId, Kept>();
  #bytes = 0;
  #lastNumber = 0;
  /** At the last attempt. */
  #isDiskFull = false;
  /** One change at a time. */
  #changing: Promise<unknown> = Promise.resolve();

  private constructor({ disk, folder, bytesMax }: KeptAttachmentsOptions) {
    this.#disk = disk;
    this.#folder = join(folder, "attachments");
    this.#bytesMax = bytesMax;
  }

  static async open(options: KeptAttachmentsOptions): Promise<KeptAttachments> {
    const opened = new KeptAttachments(options);
    await opened.#look();
    return opened;
  }

  get isFull(): boolean {
    return this.#isDiskFull || this.#waitingBytes() + attachmentBytesMax.photo > this.#bytesMax;
  }

  put({ kind, bytes }: Attachment): Promise<AttachmentId> {
    const id = createHash("sha256").update(bytes).digest("hex");
    return this.#inTurn(async () => {
      if (this.#kept.has(id)) return id;
      await this.#makeRoom(bytes.byteLength);
      const kept = { number: this.#lastNumber + 1, id, kind, size: bytes.byteLength, isSent: false };
      try {
        await this.#disk.makeFolder(this.#folder);
        await writeFileAtomically(this.#disk, this.#pathOf(kept), [bytes]);
      } catch (error) {
        if (!isFull(error)) throw error;
        this.#isDiskFull = true;
        throw noRoom(error);
      }
      this.#isDiskFull = false;
      this.#add(kept);
      return id;
    });
  }

  async read(id: AttachmentId): Promise<Attachment | undefined> {
    return this.#inTurn(async () => {
      const kept = this.#kept.get(id);
      if (!kept) return undefined;
      const bytes = await this.#disk.read(this.#pathOf(kept), attachmentBytesMax[kept.kind] + 1);
      const isWhole = createHash("sha256").update(bytes).digest("hex") === id;
      return isWhole ? { kind: kept.kind, bytes } : undefined;
    });
  }

  has(id: AttachmentId): boolean {
    return this.#kept.has(id);
  }

  waiting(): readonly AttachmentId[] {
    return [...this.#kept.values()].filter(({ isSent }) => !isSent).map(({ id }) => id);
  }

  sent(id: AttachmentId): Promise<void> {
    return this.#inTurn(async () => {
      const kept = this.#kept.get(id);
      if (!kept || kept.isSent) return;
      const sent = { ...kept, isSent: true };
      await this.#disk.rename(this.#pathOf(kept), this.#pathOf(sent));
      await this.#disk.syncFolder(this.#folder);
      this.#kept.set(id, sent);
    });
  }

  async #look(): Promise<void> {
    for (const name of await listIfThere(this.#disk, this.#folder)) {
      const path = join(this.#folder, name);
      if (name.endsWith(draftSuffix)) {
        await removeIfThere(this.#disk, path);
        continue;
      }
      const [, number, size, id, word, sent] = /^(\d{9})-(\d+)-([\da-f]{64})\.([a-z]+)(\.sent)?$/.exec(name) ?? [];
      const kind = attachmentKinds.find((one) => one === word);
      if (id === undefined || kind === undefined) continue;
      this.#add({ number: Number(number), id, kind, size: Number(size), isSent: sent !== undefined });
    }
  }

  #add(kept: Kept): void {
    this.#kept.set(kept.id, kept);
    this.#bytes += kept.size;
    this.#lastNumber = Math.max(this.#lastNumber, kept.number);
  }

  #waitingBytes(): number {
    let bytes = 0;
    for (const { isSent, size } of this.#kept.values()) if (!isSent) bytes += size;
    return bytes;
  }

  async #makeRoom(bytes: number): Promise<void> {
    if (this.#waitingBytes() + bytes > this.#bytesMax) throw noRoom();
    for (const kept of [...this.#kept.values()]) {
      if (this.#bytes + bytes <= this.#bytesMax) return;
      if (!kept.isSent) continue;
      await removeIfThere(this.#disk, this.#pathOf(kept));
      this.#kept.delete(kept.id);
      this.#bytes -= kept.size;
    }
  }

  #pathOf({ number, size, id, kind, isSent }: Kept): string {
    return join(this.#folder, `${String(number).padStart(9, "0")}-${size}-${id}.${kind}${isSent ? ".sent" : ""}`);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#changing.then(work);
    this.#changing = done.catch(() => undefined);
    return done;
  }
}

function noRoom(cause?: unknown): GatewayError {
  return new GatewayError("storage-full", "there is no room for another photo", {}, { cause });
}
