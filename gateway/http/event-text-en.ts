/** The journal's events in English. */
import { denialTexts } from "../domain/denial-text.ts";
import { gatewayOf } from "../domain/rights.ts";
import type { EventTexts } from "./event-text.ts";
import { counted, duration } from "./moments.ts";

const words = {
  void: {
    revoked: "it was revoked at that moment",
    refused: "the lock refused",
    stopped: "the gateway was stopping",
    "too-late": "the disk took so long that nobody waited any more",
  },
  released: {
    accepted: "strike told to release",
    confirmed: "strike released",
    unknown: "nobody knows whether the strike moved",
  },
  command: {
    accepted: "was passed on to the lock",
    confirmed: "was done",
    refused: "was refused by the lock",
    unknown: "has no known outcome",
    expired: "came too late and was not done",
  },
  holdEnded: {
    over: "held open no longer: its end has come",
    revoked: "held open no longer: an administrator ended it",
    lockdown: "held open no longer: lockdown",
    clock: "held open no longer: the clock is not set",
    stale: "held open no longer: the records are too old or damaged",
    impossible: "should be held open, and its lock cannot be",
  },
  openedBy: {
    code: "a code of its own",
    card: "a card of its own",
    fingerprint: "a fingerprint",
    key: "a key",
    hand: "hand",
    app: "its maker's app",
  },
  codeAnswered: {
    accepted: "takes the change of the code",
    refused: "refuses the change of the code",
    unknown: "does not say whether it takes the change of the code",
  },
  codeMissing: {
    digits: "the lock takes no such digits",
    entries: "a lock counts no entries",
    schedule: "the lock cannot keep these weekly hours",
    unreadable: "the code's value cannot be read",
    "no-room": "the lock is full",
    taken: "another code in the lock has the same digits",
    late: "nobody knows yet why",
  },
  unanswered: {
    stopped: "the gateway stopped before it was decided",
    "turned-away": "too many were waiting",
    "too-late": "it was too old when it came",
    "no-access-point": "the reader belongs to no access point",
  },
} as const;

export const englishEvents: EventTexts = {
  admitted: (e) =>
    `${e.accessPoint}: admitted by ${e.signed ? "a signed pass" : e.via}${e.left === null ? "" : `, ${counted(e.left, "entry", "entries")} left`}`,
  denied: (e) =>
    [
      `${e.accessPoint}: denied. ${denialTexts[e.reason].en}`,
      e.heldAt === undefined ? "" : ` Held at: ${e.heldAt}.`,
      e.lockedOutMs === undefined
        ? ""
        : ` ${e.via === "pass" ? "Scanner" : "Keypad"} locked out for ${duration(e.lockedOutMs)}.`,
    ].join(""),
  "turned-away": (e) =>
    `${e.accessPoint}: a visitor was turned away ${e.why === "guard" ? "by the guard" : "because of the blacklist"}`,
  left: (e) => `${e.accessPoint}: a visitor has left`,
  "pin-guessing": (e) =>
    `${counted(e.wrongPins, "wrong PIN", "wrong PINs")} at ${counted(e.keypads, "keypad", "keypads")} within a day: is somebody guessing?`,
  "pass-guessing": (e) =>
    `${counted(e.wrongPasses, "wrong pass", "wrong passes")} at ${counted(e.scanners, "scanner", "scanners")} within a day: is somebody guessing?`,
  released: (e) => `${e.accessPoint}: ${words.released[e.result]}`,
  void: (e) => `${e.accessPoint}: admission taken back, ${words.void[e.why]}`,
  unanswered: (e) => `${e.accessPoint ?? e.device}: a press got no answer, ${words.unanswered[e.why]}`,
  "command-taken": (e) => `${e.accessPoint}: remote ${e.action ?? "unlock"} by ${e.by}`,
  "command-ended": (e) => `${e.accessPoint}: remote ${e.action ?? "unlock"} ${words.command[e.result]}`,
  "host-answered": (e) =>
    `${e.accessPoint}: ${e.by} ${e.approves ? "lets" : "does not let"} a visitor in, asked by ${e.staff}`,
  "staff-signed-in": (e) => `${e.staff} signed in here`,
  "staff-refused": (e) => `a sign-in${e.staff === undefined ? "" : ` as ${e.staff}`} failed`,
  "staff-command": (e) => `${e.accessPoint}: ${e.action ?? "unlock"} asked for here by ${e.staff}`,
  "staff-command-ended": (e) => `${e.accessPoint}: ${e.action ?? "unlock"} asked for here ${words.command[e.result]}`,
  bolt: (e) => `${e.device}: bolt ${e.state}`,
  door: (e) => `${e.device}: door ${e.state}`,
  presence: (e) => `${e.device}: ${e.state}`,
  battery: (e) => `${e.device}: battery ${e.percent} %`,
  tamper: (e) => `${e.device}: tamper ${e.active ? "alarm" : "over"}`,
  "boot-doubted": (e) =>
    `${e.device}: its boot number should be ${e.deviceBoot} and is also ${e.otherBoot}: was it replaced or reset, or does another use its password?`,
  "held-open": (e, { at }) => `${e.accessPoint}: held open until ${at(e.until)}`,
  "hold-ended": (e) => `${e.accessPoint}: ${words.holdEnded[e.reason]}`,
  "relock-failed": (e) => `${e.accessPoint}: the bolt did not come back`,
  "opened-at-lock": (e) =>
    `${e.device}: opened by ${words.openedBy[e.by]}${e.code === undefined ? "" : ` no. ${e.code}`}`,
  "code-sent": (e) => `${e.device}: ${e.change === "set" ? "code sent" : "told to forget the code"} of ${e.grant}`,
  "code-answered": (e) => `${e.device}: ${words.codeAnswered[e.result]} of ${e.grant}`,
  "code-read": (e) => `${e.device}: ${e.state === "present" ? "has" : "no longer has"} the code of ${e.grant}`,
  "code-missing": (e) => `${e.device}: has not the code of ${e.grant}: ${words.codeMissing[e.why]}`,
  "codes-stuck": (e) => `${e.device}: its codes could not be kept ${e.failures} times in a row; it is tried on`,
  relocked: (e) => `${e.accessPoint}: locked again`,
  boot: (e) =>
    e.endedEpoch === undefined
      ? "gateway started"
      : `gateway started with an empty journal; that of epoch ${e.endedEpoch} is put aside`,
  damage: (e) => `${counted(e.lines, "record", "records")} of ${e.file} ${e.lines === 1 ? "is" : "are"} damaged`,
  "rights-returned": (e) => `an entry of ${e.grant} handed back to the cloud`,
  "rights-sent": (e) => `an entry of ${e.grant} given to gateway ${gatewayOf(e.to)}`,
  "rights-received": (e) => `an entry of ${e.grant} received from gateway ${gatewayOf(e.from)}`,
  "checksum-mismatch": () => "the records differ from the cloud's; fetching them anew",
};
