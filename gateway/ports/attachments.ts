/**
 * What a guard adds to a visit besides its event: a photo, and a sheet with what they wrote. Both are known by their hash, which is all that the
 * event holds: it cannot be unwritten, and these can be deleted. Implemented by storage/kept-attachments.ts.
 */

/** "photo": a JPEG · "sheet": JSON, see flows/visit-sheet.ts. */
export const attachmentKinds = ["photo", "sheet"] as const;
export type AttachmentKind = (typeof attachmentKinds)[number];

/** SHA-256 of its bytes, 64 hex digits. */
export type AttachmentId = string;

export const attachmentBytesMax = { photo: 2 * 1024 * 1024, sheet: 8 * 1024 } as const;

export interface Attachment {
  readonly kind: AttachmentKind;
  readonly bytes: Uint8Array;
}

export interface Attachments {
  /** No room is left among those that the cloud does not have yet. */
  readonly isFull: boolean;
  /** On the disk when it resolves; the same once more changes nothing. Rejects with `storage-full`. */
  put(attachment: Attachment): Promise<AttachmentId>;
  /** undefined: never put, or gone for another's room. */
  read(id: AttachmentId): Promise<Attachment | undefined>;
  has(id: AttachmentId): boolean;
  /** Those that the cloud does not have, oldest first. */
  waiting(): readonly AttachmentId[];
  /** The cloud has it now, or will never take it. It is kept here as long as there is room. */
  sent(id: AttachmentId): Promise<void>;
}

/** Where the cloud takes them. Rejects once `signal` fires, or when no answer comes. */
export interface AttachmentLink {
  /** "not-named": by no event that has arrived there. "refused": it will never be taken. */
  attach(id: AttachmentId, bytes: Uint8Array, signal: AbortSignal): Promise<"taken" | "not-named" | "refused">;
}
