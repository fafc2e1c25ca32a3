/** What a guard sees of a visitor: the verdict by colour, by shape and in words, who it is, and what can be done. */
import type { Visitor } from "../flows/guard-scan.ts";
import { Frame, type GuardVisit } from "./guard-frame.tsx";
import { GuardPhoto } from "./guard-photo.tsx";
import { denialMessage, shapeOf } from "./guard-routes.ts";
import type { Slip } from "./guard-slip.ts";
import { guardWords } from "./guard-words.ts";

/** A verdict is of its moment: later the code is checked anew. The gate is no longer known to be open after a shorter one. */
const verdictMs = 10 * 60_000;
const openMs = 30_000;

interface VerdictProps {
  readonly visit: GuardVisit;
  readonly slip: Slip;
  /** The same, as it goes to and fro. */
  readonly sealed: string;
  readonly now: number;
  readonly visitor: Visitor | undefined;
}

export function VerdictPage(props: VerdictProps) {
  const { visit, slip, now, visitor } = props;
  const { told } = slip;
  const words = guardWords[visit.language];
  const isStep = told.outcome === "may-enter" || told.outcome === "denied";
  if (isStep && now - slip.at > verdictMs)
    return (
      <Frame visit={visit}>
        <p role="alert">{words.old}</p>
        <CheckAgain visit={visit} slip={slip} />
      </Frame>
    );
  const name = visitor ? nameOf(visit, visitor) : slip.name;
  const isGood = told.outcome === "may-enter" || told.outcome === "counted" || told.outcome === "left";
  return (
    <Frame visit={visit}>
      <section
        class={isGood ? "verdict good" : "verdict bad"}
        role="status"
        data-tone={isGood ? "good" : "bad"}
        data-gate={slip.gate}
      >
        <span class="sign" aria-hidden="true">
          {isGood ? "✓" : "✕"}
        </span>
        <h2 tabindex={-1}>{titleOf(visit, slip)}</h2>
        {name !== undefined && <p class="visitor">{name}</p>}
        <p>{visit.site.accessPoints.get(slip.gate)?.name}</p>
      </section>
      {told.outcome === "may-enter" && visitor?.lastPhoto !== undefined && (
        <img class="last-photo" src={`/photos/${visitor.lastPhoto}`} alt={words.photo.last} />
      )}
      {slip.farM !== undefined && <p class="far">{words.far(slip.farM)}</p>}
      {told.outcome === "may-enter" && visitor?.isSigned && <p>{words.signedOnly.hint}</p>}
      {told.outcome !== "may-enter" && <p>{textOf(visit, slip, now)}</p>}
      {(told.outcome === "may-enter" || told.outcome === "busy") && <Approve {...props} />}
      {told.outcome === "may-enter" && <TurnAway {...props} />}
      {visitor && <Facts visit={visit} visitor={visitor} />}
      <p>
        <a href={`/guard?gate=${encodeURIComponent(slip.gate)}`} class="next">
          {words.next}
        </a>
      </p>
    </Frame>
  );
}

function nameOf({ language }: GuardVisit, { grant, isSigned }: Visitor): string {
  return isSigned ? guardWords[language].signedOnly.name : grant.holder.name;
}

function titleOf({ language }: GuardVisit, { told }: Slip): string {
  const words = guardWords[language];
  switch (told.outcome) {
    case "may-enter":
      return words.mayEnter;
    case "denied":
      return words.mayNotEnter;
    case "counted":
      return words.counted;
    case "left":
      return words.visits.leaves;
    case "turned-away":
      return words.turnedAway;
    default:
      return words.notCounted;
  }
}

function textOf({ language }: GuardVisit, { told, at }: Slip, now: number): string {
  const words = guardWords[language];
  switch (told.outcome) {
    case "may-enter":
      return words.mayEnter;
    case "denied":
      return denialMessage(language, told.reason, told.heldAt);
    case "counted": {
      const isOver = told.gate === "before" || (told.gate !== "unknown" && now - at > openMs);
      return isOver ? words.countedBefore : words.gate[told.gate === "before" ? "open" : told.gate];
    }
    case "not-moved":
      return words.gate["not-moved"];
    case "other-visitor":
      return words.otherVisitor;
    case "busy":
      return words.again;
    case "turned-away":
      return words.turnedAwayTold;
    case "left":
      return told.wasSeen ? words.left : words.leftUnseen;
  }
}

function Approve({ visit, sealed, visitor }: VerdictProps) {
  const words = guardWords[visit.language];
  return (
    <form method="post" action="/guard/enter" data-send data-keep={visitor ? nameOf(visit, visitor) : ""}>
      <input type="hidden" name="of" value={sealed} />
      <GuardPhoto visit={visit} />
      <button type="submit" class="approve">
        {words.approve}
      </button>
    </form>
  );
}

/** The guard's own no to a pass that would do. */
function TurnAway({ visit, sealed, visitor }: VerdictProps) {
  const { turnAway } = guardWords[visit.language];
  return (
    <details class="turn-away">
      <summary>{turnAway.title}</summary>
      <form method="post" action="/guard/deny" data-send data-keep={visitor ? nameOf(visit, visitor) : ""}>
        <input type="hidden" name="of" value={sealed} />
        <label>
          {turnAway.why}
          <select name="why" required>
            {turnAway.reasons.map((text) => (
              <option>{text}</option>
            ))}
          </select>
        </label>
        <label>
          {turnAway.note}
          <input name="note" maxlength={500} autocomplete="off" />
        </label>
        <button type="submit" class="outline">
          {turnAway.send}
        </button>
      </form>
    </details>
  );
}

function CheckAgain({ visit, slip }: { visit: GuardVisit; slip: Slip }) {
  return (
    <form method="post" action="/guard/check" data-send>
      <input type="hidden" name="uid" value={slip.uid} />
      <input type="hidden" name="gate" value={slip.gate} />
      <button type="submit">{guardWords[visit.language].checkAgain}</button>
    </form>
  );
}

function Facts({ visit, visitor }: { visit: GuardVisit; visitor: Visitor }) {
  const words = guardWords[visit.language];
  const { host_name, type, document_num, notes, entries_left, entries_allowed } = shapeOf(visitor);
  const zone = visit.site.records.site?.zone ?? "UTC";
  const facts: readonly (readonly [string, string | null])[] = [
    [words.host, host_name],
    [words.type, type && (words.types[type] ?? type)],
    [words.document, document_num],
    [words.entriesLeft, entries_allowed === null ? words.noLimit : `${entries_left} / ${entries_allowed}`],
    [words.until, localMoment(visitor.grant.validity.until, zone)],
    [words.notes, notes],
  ];
  return (
    <dl class="facts-list">
      {facts.map(
        ([name, value]) =>
          value !== null && (
            <>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </>
          ),
      )}
    </dl>
  );
}

/** On the site's wall clock, as "2031-03-04 18:00"; a zone that nobody knows is told in UTC. */
export function localMoment(at: number, zone: string): string {
  const instant = Temporal.Instant.fromEpochMilliseconds(at);
  try {
    return instant.toZonedDateTimeISO(zone).toPlainDateTime().toString({ smallestUnit: "minute" }).replace("T", " ");
  } catch {
    return `${instant.toString({ smallestUnit: "minute" }).replace("T", " ")}`;
  }
}
