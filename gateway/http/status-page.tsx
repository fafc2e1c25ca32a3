/** The status page: what an installer with a phone on the site's network wants to know. It refreshes itself. */
import { denialTexts } from "../domain/denial-text.ts";
import type { EntryEvent } from "../domain/entry-event.ts";
import { gatewayOf } from "../domain/rights.ts";
import { endedWords, type GatewayStatus } from "./status.ts";

const words = {
  sync: {
    never: "has not reached the cloud yet",
    online: "cloud online",
    offline: "cloud offline: deciding from the records here",
    forked: "the cloud holds other events of this gateway: does it run twice?",
    ...endedWords,
  },
  journal: {
    open: "writing",
    full: "no room on the disk: nobody is admitted",
    failed: "the disk failed: nobody is admitted",
    closed: "closed: the gateway is stopping",
  },
  diskLow:
    "the disk is nearly full, make room: entries go on into the space set aside for them, then nobody is admitted",
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
  lan: {
    reachable: "seen on the LAN",
    unreachable: "not seen on the LAN: entries move through the cloud alone",
    "not-tried": "not looked for yet",
    off: "not on the LAN for each other",
  },
  clock: { synced: "trusted", holdover: "holding over", unset: "not set: nothing with an end is admitted" },
} as const;

/** "warn": unusual, and it goes on all the same. */
type Tone = "good" | "warn" | "bad";
const syncTones = {
  online: "good",
  offline: "warn",
  never: "warn",
  revoked: "bad",
  fenced: "bad",
  forked: "bad",
} as const;
const linkTones = { online: "good", unknown: "warn", offline: "bad" } as const;
const lanTones = { reachable: "good", unreachable: "bad", "not-tried": "warn", off: "warn" } as const;
const lowBatteryPercent = 20;

/** The part that is fetched again and again. */
export function StatusBody({ status, events }: { status: GatewayStatus; events: readonly EntryEvent[] }) {
  const { sync, clock, journal, disk, records, accessPoints, devices, offline, peers, site, wrongPins, wrongPasses } =
    status;
  const zone = knownZone(site?.zone);
  return (
    <div id="status" hx-get="/status" hx-trigger="every 2s" hx-swap="outerMorph">
      <section class="facts" aria-label="State">
        <Fact name="Cloud" tone={syncTones[sync.state]}>
          {words.sync[sync.state]}
          {sync.lastSyncAgoMs !== null && (
            <small>
              {sync.state === "online"
                ? `changes arrive at once; records no older than ${duration(sync.lastSyncAgoMs)}`
                : `the records here are of ${duration(sync.lastSyncAgoMs)} ago`}
            </small>
          )}
          {sync.state in endedWords && <small>{stillAdmits(status, zone)}</small>}
        </Fact>
        <Fact name="Queue" tone={sync.queue === 0 ? "good" : "warn"}>
          {sync.queue === 0
            ? "everything is in the cloud"
            : `${counted(sync.queue, "event")} ${sync.queue === 1 ? "waits" : "wait"} for the cloud`}
        </Fact>
        <Fact name="Clock" tone={({ synced: "good", holdover: "warn", unset: "bad" } as const)[clock.trust]}>
          {words.clock[clock.trust]}
          <small>{clock.latest === null ? notBefore(clock.earliest, zone) : at(clock.earliest, zone)}</small>
        </Fact>
        <Fact name="Journal" tone={journal.state !== "open" ? "bad" : disk.low ? "warn" : "good"}>
          {journal.state === "open" && disk.low ? words.diskLow : words.journal[journal.state]}
          <small>
            {counted(journal.durableSeq, "event")}, {size(disk.freeBytes)} free
          </small>
        </Fact>
        <Fact name="Records" tone={records.suspect ? "bad" : "good"}>
          {records.suspect
            ? "records are lost: nobody is admitted until the cloud begins a new epoch"
            : counted(records.rows, "row")}
          <small>version {sync.cursor.version}</small>
        </Fact>
        <Fact name="Mode" tone={site?.lockdown ? "bad" : "good"}>
          {site?.lockdown ? "lockdown: nothing is admitted" : "normal"}
        </Fact>
        {site && zone !== site.zone && (
          <Fact name="Time zone" tone="bad">
            {`"${site.zone}" is not known here: grants with a schedule are not admitted`}
            <small>times on this page are UTC</small>
          </Fact>
        )}
      </section>

      <h2>Doors</h2>
      {wrongPins.budgetSpent && (
        <p>
          <Tag tone="bad">guessing</Tag> {counted(wrongPins.lastDay, "wrong PIN")} at{" "}
          {counted(wrongPins.keypads, "keypad")} within a day: each further one locks its keypad out. Passes, links and
          remote unlock go on.
        </p>
      )}
      {wrongPasses.budgetSpent && (
        <p>
          <Tag tone="bad">guessing</Tag> {counted(wrongPasses.lastDay, "wrong pass", "es")} at{" "}
          {counted(wrongPasses.scanners, "scanner")} within a day: each further one locks its scanner out. PINs, links,
          guards and remote unlock go on.
        </p>
      )}
      {accessPoints.length === 0 ? (
        <p>No access point is configured. Add one to the gateway's file under accessPoints.</p>
      ) : (
        <div class="overflow-auto">
          <table>
            <thead>
              <tr>
                <th scope="col">Access point</th>
                <th scope="col">Lock</th>
                <th scope="col">Door</th>
                <th scope="col">Keypad</th>
              </tr>
            </thead>
            <tbody>
              {accessPoints.map((point) => (
                <tr>
                  <th scope="row">{point.name}</th>
                  <td>
                    {point.bolt === "jammed" ? <Tag tone="bad">jammed</Tag> : point.bolt}
                    {point.basis === "assumed" && <small> (assumed)</small>}{" "}
                    {point.heldOpenUntil !== null && (
                      <Tag tone="warn">held open until {at(point.heldOpenUntil, zone)}</Tag>
                    )}
                  </td>
                  <td>{point.door}</td>
                  <td>
                    {point.lockedOutMs > 0 ? (
                      <Tag tone="bad">locked out for {duration(point.lockedOutMs)}</Tag>
                    ) : (
                      "ready"
                    )}{" "}
                    {point.passesLockedOutMs > 0 && (
                      <Tag tone="bad">passes locked out for {duration(point.passesLockedOutMs)}</Tag>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}

      <h2>Devices</h2>
      <div class="overflow-auto">
        <table>
          <thead>
            <tr>
              <th scope="col">Device</th>
              <th scope="col">Link</th>
              <th scope="col">Battery</th>
              <th scope="col">Firmware</th>
            </tr>
          </thead>
          <tbody>
            {devices.map((device) => (
              <tr>
                <th scope="row">
                  {device.id} <small>{device.driver}</small>
                </th>
                <td>
                  <Tag tone={linkTones[device.link]}>{device.link}</Tag>{" "}
                  {isPossible(device.since, status) && <small>since {at(device.since, zone)}</small>}{" "}
                  {device.tamper && <Tag tone="bad">tamper</Tag>}{" "}
                  {device.bootDoubted && <Tag tone="warn">boot number in doubt</Tag>}
                  {device.attention !== undefined && <Tag tone="bad">{device.attention}</Tag>}
                </td>
                <td>
                  <Battery percent={device.battery} />
                </td>
                <td>{device.firmware ?? "–"}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>

      {peers.length > 0 && (
        <>
          <h2>Other gateways</h2>
          <ul class="peers">
            {peers.map(({ name, lan, seenAgoMs }) => (
              <li>
                {name} <Tag tone={lanTones[lan]}>{words.lan[lan]}</Tag>{" "}
                {lan !== "off" && seenAgoMs !== null && <small>last seen {duration(seenAgoMs)} ago</small>}
              </li>
            ))}
          </ul>
        </>
      )}

      <h2>Without the cloud</h2>
      <ul class="offline">
        {offline.map(({ kind, worksForMs, worksUntil }) => (
          <li>
            {kind}:{" "}
            {worksForMs === null
              ? "until its own end"
              : worksUntil === null
                ? "stopped"
                : `will stop working at ${at(worksUntil, zone, "long")}, in ${duration(worksForMs)}`}
          </li>
        ))}
      </ul>

      <h2>Latest events</h2>
      {events.length === 0 ? (
        <p>Nothing has happened yet.</p>
      ) : (
        <ol class="events">
          {events.map((event) => (
            <li value={event.seq}>
              <When event={event} zone={zone} /> {describe(event, zone)}
            </li>
          ))}
        </ol>
      )}
    </div>
  );
}

/** For how long a gateway that is out of service goes on opening, if nobody switches it off. */
function stillAdmits({ offline }: GatewayStatus, zone: string): string {
  const ends = offline.flatMap(({ worksUntil }) => worksUntil ?? []);
  const endless = offline.filter(({ worksForMs }) => worksForMs === null).map(({ kind }) => kind);
  const until = [
    ...(ends.length > 0 ? [`until ${at(Math.max(...ends), zone, "long")} at the latest`] : []),
    ...(endless.length > 0 ? [`${endless.join(", ")} until their own end`] : []),
  ];
  return until.length === 0 ? "its records admit nobody any more" : `while it runs it admits ${until.join("; ")}`;
}

function Fact({ name, tone, children }: { name: string; tone: Tone; children?: unknown }) {
  return (
    <article class={tone}>
      <h3>{name}</h3>
      <p>{children}</p>
    </article>
  );
}

function Tag({ tone, children }: { tone: Tone; children?: unknown }) {
  return <span class={`tag ${tone}`}>{children}</span>;
}

function When({ event, zone }: { event: EntryEvent; zone: string }) {
  if (event.at === 0) return <span class="when">{notBefore(event.at, zone)}</span>;
  return (
    <time class="when" datetime={new Date(event.at).toISOString()}>
      {event.clock === "unset" ? notBefore(event.at, zone) : at(event.at, zone)}
    </time>
  );
}

/** `since` was read from the machine's clock, which may have been wrong then: no device was heard before the start, nor later than now. */
function isPossible(since: number, { clock, uptimeMs }: GatewayStatus): boolean {
  const slackMs = 60_000;
  return since > clock.earliest - uptimeMs - slackMs && since < (clock.latest ?? Number.POSITIVE_INFINITY) + slackMs;
}

function Battery({ percent }: { percent: number | undefined }) {
  if (percent === undefined) return <>–</>;
  return percent > lowBatteryPercent ? <>{percent} %</> : <Tag tone="warn">{percent} %</Tag>;
}

/** One event in words; never more than the event itself holds. */
function describe(event: EntryEvent, zone: string): string {
  switch (event.type) {
    case "admitted":
      return `${event.accessPoint}: admitted by ${event.via}${event.left === null ? "" : `, ${event.left} ${event.left === 1 ? "entry" : "entries"} left`}`;
    case "denied":
      return [
        `${event.accessPoint}: denied. ${denialTexts[event.reason].en}`,
        event.heldAt === undefined ? "" : ` Held at: ${event.heldAt}.`,
        event.lockedOutMs === undefined
          ? ""
          : ` ${event.via === "pass" ? "Scanner" : "Keypad"} locked out for ${duration(event.lockedOutMs)}.`,
      ].join("");
    case "turned-away":
      return `${event.accessPoint}: a visitor was turned away ${event.why === "guard" ? "by the guard" : "because of the blacklist"}`;
    case "left":
      return `${event.accessPoint}: a visitor has left`;
    case "pin-guessing":
      return `${counted(event.wrongPins, "wrong PIN")} at ${counted(event.keypads, "keypad")} within a day: is somebody guessing?`;
    case "pass-guessing":
      return `${counted(event.wrongPasses, "wrong pass", "es")} at ${counted(event.scanners, "scanner")} within a day: is somebody guessing?`;
    case "released":
      return `${event.accessPoint}: ${words.released[event.result]}`;
    case "void":
      return `${event.accessPoint}: admission taken back, ${words.void[event.why]}`;
    case "unanswered":
      return `${event.accessPoint ?? event.device}: a press got no answer, ${words.unanswered[event.why]}`;
    case "command-taken":
      return `${event.accessPoint}: remote ${event.action ?? "unlock"} by ${event.by}`;
    case "command-ended":
      return `${event.accessPoint}: remote ${event.action ?? "unlock"} ${words.command[event.result]}`;
    case "staff-signed-in":
      return `${event.staff} signed in here`;
    case "staff-refused":
      return `a sign-in${event.staff === undefined ? "" : ` as ${event.staff}`} failed`;
    case "staff-command":
      return `${event.accessPoint}: ${event.action ?? "unlock"} asked for here by ${event.staff}`;
    case "staff-command-ended":
      return `${event.accessPoint}: ${event.action ?? "unlock"} asked for here ${words.command[event.result]}`;
    case "bolt":
    case "door":
      return `${event.device}: ${event.type} ${event.state}`;
    case "presence":
      return `${event.device}: ${event.state}`;
    case "battery":
      return `${event.device}: battery ${event.percent} %`;
    case "tamper":
      return `${event.device}: tamper ${event.active ? "alarm" : "over"}`;
    case "boot-doubted":
      return `${event.device}: its boot number should be ${event.deviceBoot} and is also ${event.otherBoot}: was it replaced or reset, or does another use its password?`;
    case "held-open":
      return `${event.accessPoint}: held open until ${at(event.until, zone)}`;
    case "hold-ended":
      return `${event.accessPoint}: ${words.holdEnded[event.reason]}`;
    case "relock-failed":
      return `${event.accessPoint}: the bolt did not come back`;
    case "opened-at-lock":
      return `${event.device}: opened by ${words.openedBy[event.by]}${event.code === undefined ? "" : ` no. ${event.code}`}`;
    case "code-sent":
      return `${event.device}: ${event.change === "set" ? "code sent" : "told to forget the code"} of ${event.grant}`;
    case "code-answered":
      return `${event.device}: ${words.codeAnswered[event.result]} of ${event.grant}`;
    case "code-read":
      return `${event.device}: ${event.state === "present" ? "has" : "no longer has"} the code of ${event.grant}`;
    case "code-missing":
      return `${event.device}: has not the code of ${event.grant}: ${words.codeMissing[event.why]}`;
    case "codes-stuck":
      return `${event.device}: its codes could not be kept ${event.failures} times in a row; it is tried on`;
    case "relocked":
      return `${event.accessPoint}: locked again`;
    case "boot":
      return event.endedEpoch === undefined
        ? "gateway started"
        : `gateway started with an empty journal; that of epoch ${event.endedEpoch} is put aside`;
    case "damage":
      return `${counted(event.lines, "record")} of ${event.file} ${event.lines === 1 ? "is" : "are"} damaged`;
    case "rights-returned":
      return `an entry of ${event.grant} handed back to the cloud`;
    case "rights-sent":
      return `an entry of ${event.grant} given to gateway ${gatewayOf(event.to)}`;
    case "rights-received":
      return `an entry of ${event.grant} received from gateway ${gatewayOf(event.from)}`;
    case "checksum-mismatch":
      return "the records differ from the cloud's; fetching them anew";
  }
}

function counted(count: number, what: string, ending: "s" | "es" = "s"): string {
  return `${count} ${what}${count === 1 ? "" : ending}`;
}

function size(bytes: number): string {
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
}

/** While the clock is unset; 0: no time was ever written down. */
function notBefore(instant: number, zone: string): string {
  return instant === 0 ? "time unknown" : `not before ${at(instant, zone)}`;
}

/** "long" names the offset too: an hour that a clock change repeats is shown twice. */
function at(instant: number, zone: string, timeStyle: "medium" | "long" = "medium"): string {
  return Temporal.Instant.fromEpochMilliseconds(Math.round(instant))
    .toZonedDateTimeISO(zone)
    .toLocaleString("en-GB", { dateStyle: "medium", timeStyle });
}

/** UTC where the site's zone is unknown or not one of this version's. */
function knownZone(zone = "UTC"): string {
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(zone);
    return zone;
  } catch {
    return "UTC";
  }
}
