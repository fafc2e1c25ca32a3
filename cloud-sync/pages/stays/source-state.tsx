/** What came of a source the last time, and reading it now. */
import { may } from "../../domain/permissions.ts";
import { Fault } from "../parts/fault.tsx";
import { Form } from "../parts/form.tsx";
import { Tag } from "../parts/show.tsx";
import type { Visit } from "../visit.ts";
import type { SeenSource } from "./let-shapes.ts";

interface SourceProps {
  readonly source: SeenSource;
  readonly visit: Visit;
}

export function SourceOutcome({ source: { result, places }, visit: { words } }: SourceProps) {
  const { letting } = words;
  if (result === null) return <Tag tone="calm">{letting.notRead}</Tag>;
  if ("failed" in result)
    return (
      <>
        <Tag tone="bad">{letting.readFailed}</Tag>
        <small class="fine">
          <Fault text={result.failed} words={words} />
        </small>
      </>
    );
  const unknown = result.unknownPlaces.filter((one) => places[one] === undefined);
  return (
    <>
      <Tag tone="good">{letting.readWell(result)}</Tag>{" "}
      {result.held > 0 && <Tag tone="warn">{letting.held(result.held)}</Tag>}{" "}
      {unknown.length > 0 && (
        <>
          <Tag tone="warn">{letting.unknownPlaces}</Tag>
          <small class="fine">{unknown.join(", ")}</small>
        </>
      )}
    </>
  );
}

/** Nothing for whoever may not. */
export function ReadNow({ source: { id, site, closedAt }, visit: { words, actor } }: SourceProps) {
  if (closedAt !== null || !may(actor!, "stays.change", { site })) return null;
  return (
    <Form action={`/sources/${id}/run`} words={words} submit={words.letting.readNow} tone="secondary" class="row" />
  );
}
