/** The fields of what can be chosen about a source, by its kind. */
import type { SourceKind } from "../../sources/booking-source.ts";
import type { FieldFaults } from "../own-api.ts";
import type { FormWords } from "../page-book.tsx";
import { Choices, Field, Select } from "../parts/form.tsx";
import type { Words } from "../words/words.ts";

export type SourceOptions = Readonly<Record<string, unknown>>;

/** Yes or no. */
const switches = {
  lodgify: ["webhooks", "signed", "keyCodes"],
  ical: ["closedIsStay", "hoursFromCalendar"],
  webhook: [],
} as const satisfies Record<SourceKind, readonly string[]>;

/** The API's names of the fields. */
export const optionNames: Readonly<Record<string, string>> = {
  ...Object.fromEntries(["signature", "header", "prefix"].map((name) => [`options.${name}`, name])),
  options: "options",
};

/** For the API. */
export function readOptions(kind: SourceKind, form: FormWords): SourceOptions {
  if (kind === "webhook")
    return { signature: form.text("signature"), header: form.text("header"), prefix: form.text("prefix") };
  const on = form.all("options");
  return Object.fromEntries(switches[kind].map((name) => [name, on.includes(name)]));
}

interface OptionFieldsProps {
  readonly kind: SourceKind;
  readonly options: SourceOptions;
  readonly words: Words;
  readonly faults: FieldFaults | undefined;
}

export function OptionFields({ kind, options, words, faults }: OptionFieldsProps) {
  const { letting } = words;
  if (kind === "webhook") return <SignatureFields {...{ options, words, faults }} />;
  return (
    <Choices
      name="options"
      label={letting.options}
      words={words}
      faults={faults}
      values={switches[kind].filter((name) => options[name] === true)}
      choices={switches[kind].map((value) => ({
        value,
        label: letting.optionNames[value],
        hint: letting.optionHints[value],
      }))}
    />
  );
}

function SignatureFields({ options, words, faults }: Omit<OptionFieldsProps, "kind">) {
  const { letting } = words;
  const textOf = (name: string) => (typeof options[name] === "string" ? options[name] : "");
  return (
    <>
      <Select
        name="signature"
        label={letting.signature}
        words={words}
        faults={faults}
        value={textOf("signature")}
        choices={(["standard", "hmac"] as const).map((value) => ({ value, label: letting.signatures[value] }))}
      />
      {(["header", "prefix"] as const).map((name) => (
        <Field
          name={name}
          label={letting.signatureParts[name]}
          hint={letting.onlyHmac}
          words={words}
          faults={faults}
          value={textOf(name)}
          required={name === "header"}
          autocomplete="off"
          spellcheck={false}
          maxlength={64}
        />
      ))}
    </>
  );
}
