/** The fields of a pass, in the form that invites and in the one that changes it. */
import type { FieldFaults } from "../own-api.ts";
import type { FormWords } from "../page-book.tsx";
import { Choices, Field, Select, TextArea } from "../parts/form.tsx";
import { type GivenHours, Hours, hoursOf, readHours } from "../parts/hours.tsx";
import type { Words } from "../words/words.ts";
import { kindChoices } from "./kinds.ts";
import type { SeenPass } from "./pass-shapes.ts";

export interface GivenPass extends GivenHours {
  readonly visitorName: string;
  readonly visitorType: string;
  readonly documentNum: string;
  readonly notes: string;
  readonly until: string;
  /** "once", "some": as many as entriesCount says, "any". */
  readonly entries: string;
  readonly entriesCount: string;
}

export function readPassFields(form: FormWords): GivenPass {
  return {
    visitorName: form.text("visitorName"),
    visitorType: form.text("visitorType"),
    documentNum: form.text("documentNum"),
    notes: form.text("notes"),
    until: form.text("until"),
    entries: form.text("entries"),
    entriesCount: form.text("entriesCount"),
    ...readHours(form),
  };
}

/** As the API wants them; undefined: not a number that could be meant. */
export function entriesAllowed({ entries, entriesCount }: GivenPass): number | null | undefined {
  if (entries === "any") return null;
  if (entries === "once") return 1;
  const count = /^\d{1,7}$/.test(entriesCount) ? Number(entriesCount) : 0;
  return count >= 1 && count <= 1_000_000 ? count : undefined;
}

export const entriesFault = ({ passes }: Words): FieldFaults => ({ entriesCount: { own: passes.entriesWrong } });

/** What an earlier pass says, to be filled in; its times are not told. */
export function fieldsOf(pass: SeenPass): GivenPass {
  const { entriesAllowed: most } = pass;
  const hours = hoursOf(pass.windows) ?? { days: [], hoursFrom: "", hoursUntil: "" };
  return {
    visitorName: pass.visitorName,
    visitorType: pass.visitorType ?? "",
    documentNum: pass.documentNum ?? "",
    notes: pass.notes ?? "",
    until: "",
    entries: most === null ? "any" : most === 1 ? "once" : "some",
    entriesCount: most === null || most === 1 ? "" : String(most),
    ...hours,
  };
}

interface FieldsProps {
  readonly words: Words;
  readonly faults: FieldFaults | undefined;
  readonly given: GivenPass | undefined;
}

export function VisitorFields({ words, faults, given }: FieldsProps) {
  const { passes } = words;
  return (
    <>
      <Field
        name="visitorName"
        label={passes.visitor}
        words={words}
        faults={faults}
        value={given?.visitorName}
        required
        autocomplete="off"
      />
      <Select
        name="visitorType"
        label={passes.kind}
        words={words}
        faults={faults}
        value={given?.visitorType}
        choices={kindChoices(words)}
      />
    </>
  );
}

export function EntryFields({ words, faults, given }: FieldsProps) {
  const { passes } = words;
  return (
    <>
      <Choices
        name="entries"
        label={passes.entries}
        words={words}
        faults={faults}
        single
        values={[given?.entries || "once"]}
        choices={(["once", "some", "any"] as const).map((value) => ({ value, label: passes.entriesChoices[value] }))}
      />
      <div class="when-some">
        <Field
          name="entriesCount"
          label={passes.entriesCount}
          words={words}
          faults={faults}
          value={given?.entriesCount}
          inputmode="numeric"
          autocomplete="off"
        />
      </div>
    </>
  );
}

/** What is seldom wanted. */
export function MoreFields({ words, faults, given, hasHours = true }: FieldsProps & { readonly hasHours?: boolean }) {
  const { passes } = words;
  return (
    <>
      <Field
        name="documentNum"
        label={passes.document}
        hint={passes.documentHint}
        words={words}
        faults={faults}
        value={given?.documentNum}
        autocomplete="off"
        spellcheck={false}
      />
      <TextArea name="notes" label={passes.notes} words={words} faults={faults} value={given?.notes} rows={3} />
      {hasHours ? <Hours words={words} faults={faults} given={given} /> : <p>{passes.hoursKept}</p>}
    </>
  );
}
