/** The status page: what an installer with a phone on the site's network wants to know. It refreshes itself. */
import type { Language } from "../domain/denial-text.ts";
import type { EntryEvent } from "../domain/entry-event.ts";
import { describeEvent } from "./event-text.ts";
import { duration, knownZone, type Moments, momentsIn, size } from "./moments.ts";
import { endedWords, type GatewayStatus } from "./status.ts";
import { type StatusWords, statusWords } from "./status-words.ts";

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
export function StatusBody(props: { status: GatewayStatus; events: readonly EntryEvent[]; language: Language }) {
  const { status, events, language } = props;
  const words = statusWords[language];
  const { sync, clock, journal, disk, records, accessPoints, devices, offline, peers, site, wrongPins, wrongPasses } =
    status;
  const zone = knownZone(site?.zone);
  const moments = momentsIn(language, zone);
  const { at, notBefore } = moments;
  return (
    <div id="status" hx-get="/status" hx-trigger="every 2s" hx-swap="outerMorph">
      <section class="facts" aria-label={words.state}>
        <Fact name={words.cloud} tone={syncTones[sync.state]}>
          {words.sync[sync.state]}
          {sync.lastSyncAgoMs !== null && (
            <small>
              {sync.state === "online"
                ? words.recordsOnline(duration(sync.lastSyncAgoMs))
                : words.recordsOffline(duration(sync.lastSyncAgoMs))}
            </small>
          )}
          {sync.state in endedWords && <small>{stillAdmits(status, words, moments)}</small>}
        </Fact>
        <Fact name={words.queue} tone={sync.queue === 0 ? "good" : "warn"}>
          {sync.queue === 0 ? words.queueEmpty : words.queued(sync.queue)}
        </Fact>
        <Fact name={words.clock} tone={({ synced: "good", holdover: "warn", unset: "bad" } as const)[clock.trust]}>
          {words.clocks[clock.trust]}
          <small>{clock.latest === null ? notBefore(clock.earliest) : at(clock.earliest)}</small>
        </Fact>
        <Fact name={words.journal} tone={journal.state !== "open" ? "bad" : disk.low ? "warn" : "good"}>
          {journal.state === "open" && disk.low ? words.diskLow : words.journals[journal.state]}
          <small>{words.disk(journal.durableSeq, size(disk.freeBytes))}</small>
        </Fact>
        <Fact name={words.records} tone={records.suspect ? "bad" : "good"}>
          {records.suspect ? words.suspect : words.rows(records.rows)}
          <small>{words.version(sync.cursor.version)}</small>
        </Fact>
        <Fact name={words.mode} tone={site?.lockdown ? "bad" : "good"}>
          {site?.lockdown ? words.lockdown : words.normal}
        </Fact>
        {site && zone !== site.zone && (
          <Fact name={words.zone} tone="bad">
            {words.zoneUnknown(site.zone)}
            <small>{words.utc}</small>
          </Fact>
        )}
      </section>

      <h2>{words.doors}</h2>
      {wrongPins.budgetSpent && (
        <p>
          <Tag tone="bad">{words.guessing}</Tag> {words.guessed(wrongPins.lastDay, wrongPins.keypads)}
        </p>
      )}
      {wrongPasses.budgetSpent && (
        <p>
          <Tag tone="bad">{words.guessing}</Tag> {words.guessedPasses(wrongPasses.lastDay, wrongPasses.scanners)}
        </p>
      )}
      {accessPoints.length === 0 ? (
        <p>{words.noDoors}</p>
      ) : (
        <div class="overflow-auto">
          <table>
            <thead>
              <tr>
                <th scope="col">{words.accessPoint}</th>
                <th scope="col">{words.lock}</th>
                <th scope="col">{words.door}</th>
                <th scope="col">{words.keypad}</th>
              </tr>
            </thead>
            <tbody>
              {accessPoints.map((point) => (
                <tr>
                  <th scope="row">{point.name}</th>
                  <td>
                    {point.bolt === "jammed" ? <Tag tone="bad">{words.bolts.jammed}</Tag> : words.bolts[point.bolt]}
                    {point.basis === "assumed" && <small> {words.assumed}</small>}{" "}
                    {point.heldOpenUntil !== null && <Tag tone="warn">{words.heldOpen(at(point.heldOpenUntil))}</Tag>}
                  </td>
                  <td>{words.doorStates[point.door]}</td>
                  <td>
                    {point.lockedOutMs > 0 ? (
                      <Tag tone="bad">{words.lockedOut(duration(point.lockedOutMs))}</Tag>
                    ) : (
                      words.ready
                    )}{" "}
                    {point.passesLockedOutMs > 0 && (
                      <Tag tone="bad">{words.passesLockedOut(duration(point.passesLockedOutMs))}</Tag>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}

      <h2>{words.devices}</h2>
      <div class="overflow-auto">
        <table>
          <thead>
            <tr>
              <th scope="col">{words.device}</th>
              <th scope="col">{words.link}</th>
              <th scope="col">{words.battery}</th>
              <th scope="col">{words.firmware}</th>
            </tr>
          </thead>
          <tbody>
            {devices.map((device) => (
              <tr>
                <th scope="row">
                  {device.id} <small>{device.driver}</small>
                </th>
                <td>
                  <Tag tone={linkTones[device.link]}>{words.links[device.link]}</Tag>{" "}
                  {isPossible(device.since, status) && <small>{words.since(at(device.since))}</small>}{" "}
                  {device.tamper && <Tag tone="bad">{words.tamper}</Tag>}{" "}
                  {device.bootDoubted && <Tag tone="warn">{words.bootDoubted}</Tag>}
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
          <h2>{words.peers}</h2>
          <ul class="peers">
            {peers.map(({ name, lan, seenAgoMs }) => (
              <li>
                {name} <Tag tone={lanTones[lan]}>{words.lan[lan]}</Tag>{" "}
                {lan !== "off" && seenAgoMs !== null && <small>{words.seen(duration(seenAgoMs))}</small>}
              </li>
            ))}
          </ul>
        </>
      )}

      <h2>{words.withoutCloud}</h2>
      <ul class="offline">
        {offline.map(({ kind, worksForMs, worksUntil }) => (
          <li>
            {words.kinds[kind] ?? kind}:{" "}
            {worksForMs === null
              ? words.untilOwnEnd
              : worksUntil === null
                ? words.stopped
                : words.stopsAt(at(worksUntil, "long"), duration(worksForMs))}
          </li>
        ))}
      </ul>

      <h2>{words.events}</h2>
      {events.length === 0 ? (
        <p>{words.noEvents}</p>
      ) : (
        <ol class="events">
          {events.map((event) => (
            <li value={event.seq}>
              <When event={event} moments={moments} /> {describeEvent(event, moments)}
            </li>
          ))}
        </ol>
      )}
    </div>
  );
}

/** For how long a gateway that is out of service goes on opening, if nobody switches it off. */
function stillAdmits({ offline }: GatewayStatus, words: StatusWords, { at }: Moments): string {
  const ends = offline.flatMap(({ worksUntil }) => worksUntil ?? []);
  const endless = offline.filter(({ worksForMs }) => worksForMs === null).map(({ kind }) => words.kinds[kind] ?? kind);
  const until = [
    ...(ends.length > 0 ? [words.admitsUntil(at(Math.max(...ends), "long"))] : []),
    ...(endless.length > 0 ? [words.admitsEndless(endless.join(", "))] : []),
  ];
  return until.length === 0 ? words.admitsNobody : words.stillAdmits(until.join("; "));
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

function When({ event, moments }: { event: EntryEvent; moments: Moments }) {
  const { at, notBefore } = moments;
  if (event.at === 0) return <span class="when">{notBefore(event.at)}</span>;
  return (
    <time class="when" datetime={new Date(event.at).toISOString()}>
      {event.clock === "unset" ? notBefore(event.at) : at(event.at)}
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
