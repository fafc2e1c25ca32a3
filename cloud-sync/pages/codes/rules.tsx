/** What the chosen locks ask of a code, told while somebody fills in the form; the server asks it again when the code is made. */
import { takes } from "../../../gateway/domain/lock-code.ts";
import type { HoursLimits } from "../../domain/doors.ts";
import type { PinShape } from "../../domain/pin-policy.ts";
import { query } from "../own-api.ts";
import { Fault } from "../parts/fault.tsx";
import type { Visit } from "../visit.ts";
import type { Words } from "../words/words.ts";
import { codesPath, type SeenRules } from "./code-shapes.ts";

export const codeForm = "code-form";

interface Chosen {
  readonly site: string;
  readonly accessPoints: readonly string[];
  readonly code: string;
}

/** Asks again whenever the form changes. The digits go in a body: an address would stand in logs. */
export async function rulesPart(visit: Visit, chosen: Chosen) {
  const { words } = visit;
  return (
    <div
      id="rules"
      class="notice calm"
      aria-live="polite"
      hx-post="/codes/rules"
      hx-trigger={`input delay:400ms from:#${codeForm}`}
      hx-include={`#${codeForm}`}
      hx-swap="outerMorph"
    >
      <p>
        <strong>{words.codes.rules}</strong>
      </p>
      {chosen.accessPoints.length === 0 ? (
        <p>{words.codes.rulesFirst}</p>
      ) : (
        <Rules rules={await readRules(visit, chosen)} code={chosen.code} words={words} />
      )}
    </div>
  );
}

function readRules({ api }: Visit, { site, accessPoints }: Chosen): Promise<SeenRules> {
  return api.get(`${codesPath}/constraints${query({ site, accessPoints: accessPoints.join(",") })}`);
}

function Rules({ rules, code, words }: { rules: SeenRules; code: string; words: Words }) {
  return (
    <>
      <ul>
        {rules.code && shapeWords(rules.code, words).map((rule) => <li>{rule}</li>)}
        {rules.hours.otherHoursMax !== null && <li>{hoursWords(rules.hours, words)}</li>}
        {rules.refusals.map(({ message }) => (
          <li class="fault">
            <Fault text={message} words={words} />
          </li>
        ))}
      </ul>
      {rules.code &&
        code !== "" &&
        (takes(rules.code, code) ? <p>{words.codes.ruleFits}</p> : <p class="fault">{words.codes.ruleUnfit}</p>)}
    </>
  );
}

function hoursWords({ sameHoursMax: same, otherHoursMax }: HoursLimits, { codes }: Words): string {
  const other = otherHoursMax ?? 0;
  if (same === 0) return codes.rulesHours;
  return same === other ? codes.rulesHoursAny(other) : codes.rulesHoursSame(same, other);
}

export function shapeWords({ lengths, digits, forbiddenPrefixes }: PinShape, { codes }: Words): string[] {
  const left = [..."0123456789"].filter((digit) => !digits.includes(digit));
  const listed = (all: readonly (number | string)[]) =>
    all.length < 2 ? all.join("") : `${all.slice(0, -1).join(", ")} ${codes.or} ${all.at(-1)}`;
  return [
    codes.ruleLengths(listed(lengths)),
    ...(left.length > 0 ? [codes.ruleDigits(listed(left))] : []),
    ...(forbiddenPrefixes.length > 0 ? [codes.rulePrefixes(listed(forbiddenPrefixes))] : []),
  ];
}
