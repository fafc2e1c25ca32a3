/** One event body of each type a gateway writes: the compiler asks for a new one here, so that nobody who reads them is forgotten. */
import type { EventBody } from "../../gateway/domain/entry-event.ts";

const aCode = {
  device: "box-1",
  grant: "grant-1",
  credential: "credential-1",
  index: "i".repeat(43),
  window: { from: 1_930_312_800_000, until: 1_930_316_400_000 },
};
const press = { device: "box-1", boot: 3, seq: 7 };

const byType: { readonly [Type in EventBody["type"]]: EventBody & { type: Type } } = {
  admitted: {
    type: "admitted",
    accessPoint: "front",
    grant: "grant-1",
    credential: "credential-1",
    via: "pin",
    left: 2,
    revision: 4,
    flags: ["over-limit-risk"],
    press,
    scan: { staff: "person-rosa", nonce: "scan-0000-0000-0001" },
  },
  released: { type: "released", of: 1, accessPoint: "front", result: "confirmed" },
  void: { type: "void", of: 1, accessPoint: "front", grant: "grant-1", why: "refused" },
  denied: { type: "denied", accessPoint: "front", reason: "QR_NOT_FOUND", via: "pin", revision: 4, press },
  "pin-guessing": { type: "pin-guessing", wrongPins: 41, keypads: 9 },
  unanswered: { type: "unanswered", device: "box-1", accessPoint: "front", why: "stopped", press },
  "rights-returned": { type: "rights-returned", grant: "grant-1", total: 3, order: 2 },
  "rights-sent": { type: "rights-sent", grant: "grant-1", to: "gateway-2.1", total: 1 },
  "rights-received": { type: "rights-received", grant: "grant-1", from: "gateway-2.1", total: 1 },
  "command-taken": { type: "command-taken", command: 5, accessPoint: "front", action: "identify", by: "admin" },
  "command-ended": { type: "command-ended", command: 5, accessPoint: "front", action: "identify", result: "accepted" },
  "staff-signed-in": { type: "staff-signed-in", staff: "person-1" },
  "staff-refused": { type: "staff-refused", staff: "person-1", why: "wrong" },
  "staff-command": { type: "staff-command", staff: "person-1", accessPoint: "front", action: "identify" },
  "staff-command-ended": {
    type: "staff-command-ended",
    of: 1,
    accessPoint: "front",
    action: "identify",
    result: "accepted",
  },
  "held-open": { type: "held-open", accessPoint: "front", hold: "hold-1", until: 1_930_312_800_000, revision: 4 },
  "hold-ended": { type: "hold-ended", accessPoint: "front", hold: "hold-1", reason: "lockdown", revision: 4 },
  "relock-failed": { type: "relock-failed", accessPoint: "front" },
  "code-sent": { type: "code-sent", ...aCode, change: "set" },
  "code-answered": {
    type: "code-answered",
    device: "box-1",
    grant: "grant-1",
    credential: "credential-1",
    result: "unknown",
  },
  "code-read": { type: "code-read", ...aCode, change: "set", ref: "7", state: "present" },
  "code-missing": {
    type: "code-missing",
    device: "box-1",
    grant: "grant-1",
    credential: "credential-1",
    why: "no-room",
  },
  "codes-stuck": { type: "codes-stuck", device: "box-1", failures: 3 },
  relocked: { type: "relocked", accessPoint: "front" },
  "opened-at-lock": { type: "opened-at-lock", device: "box-1", by: "code", code: "7" },
  bolt: { type: "bolt", device: "box-1", state: "jammed" },
  door: { type: "door", device: "box-1", state: "open" },
  tamper: { type: "tamper", device: "box-1", active: true },
  battery: { type: "battery", device: "box-1", percent: 40 },
  presence: { type: "presence", device: "box-1", state: "online", firmware: "1.2.3" },
  "boot-doubted": { type: "boot-doubted", device: "box-1", deviceBoot: 3, otherBoot: 9 },
  boot: { type: "boot", version: "1.0.0", cutBytes: 0 },
  damage: { type: "damage", file: "journal/000001.jsonl", line: 4, lines: 1 },
  "checksum-mismatch": { type: "checksum-mismatch", feed: "feed-1", revision: 4 },
};

export const everyEvent: readonly EventBody[] = Object.values(byType);
