/** Forms: every field with its label, its hint and what is wrong with it, tied together for screen readers. */
import { randomUUID } from "node:crypto";
import type { Child } from "hono/jsx";
import type { FaultText, FieldFaults } from "../own-api.ts";
import type { Words } from "../words/words.ts";
import { Fault } from "./fault.tsx";

interface FormProps {
  readonly action: string;
  readonly faults?: FieldFaults | undefined;
  readonly words: Words;
  readonly submit: string;
  /** Of the button: "secondary" for what is seldom wanted, "danger" for what cannot be undone. */
  readonly tone?: "secondary" | "danger" | undefined;
  readonly class?: string;
  /** One of its fields is a file. */
  readonly hasFile?: boolean;
  readonly id?: string;
  readonly children?: Child;
}

/** Sent by POST. What concerns no field stands above it. */
export function Form({ action, faults, words, submit, tone, hasFile, children, ...more }: FormProps) {
  return (
    <form
      id={more.id}
      method="post"
      action={action}
      enctype={hasFile ? "multipart/form-data" : undefined}
      class={more.class ?? "sheet"}
      novalidate
    >
      {faults && <Faults faults={faults} words={words} />}
      {children}
      <button type="submit" class={tone}>
        {submit}
      </button>
    </form>
  );
}

function Faults({ faults, words }: { faults: FieldFaults; words: Words }) {
  return (
    <div class="notice bad" role="alert" tabindex={-1} autofocus>
      <p>{faults[""] === undefined ? words.common.errors : <Fault text={faults[""]} words={words} />}</p>
    </div>
  );
}

interface FieldProps {
  readonly name: string;
  /** Where two forms of a page have a field of this name; the name when left out. */
  readonly id?: string;
  readonly label: string;
  readonly words: Words;
  readonly faults?: FieldFaults | undefined;
  readonly hint?: string | undefined;
  readonly type?: "text" | "email" | "password" | "datetime-local" | "date" | "time" | "search" | "hidden";
  readonly value?: string | undefined;
  readonly required?: boolean;
  readonly autocomplete?: string;
  readonly inputmode?: "numeric" | "text";
  readonly maxlength?: number;
  readonly spellcheck?: boolean;
  /** A script fills in the browser's time zone. */
  readonly ownZone?: boolean;
  /** A script fills in what stands behind "#" in the page's address, and takes it from there. */
  readonly fromFragment?: boolean;
}

/** One line to fill in. */
export function Field({ name, label, words, faults, hint, type = "text", value, required, ...rest }: FieldProps) {
  const { ownZone, fromFragment, id = name, ...more } = rest;
  const fault = faults?.[name];
  return (
    <div class="field">
      <label for={id}>
        {label} {required || type === "search" || type === "date" ? null : <small>({words.common.optional})</small>}
      </label>
      <input
        id={id}
        name={name}
        type={type}
        dir={type === "text" || type === "search" ? "auto" : undefined}
        value={value}
        required={required}
        aria-invalid={fault === undefined ? undefined : "true"}
        aria-describedby={describedBy(id, hint, fault)}
        data-own-zone={ownZone}
        data-from-fragment={fromFragment}
        {...more}
      />
      <Beside name={id} hint={hint} fault={fault} words={words} />
    </div>
  );
}

/** Makes a form that is sent twice take effect once, where the API takes such a key: see FormWords.onceKey. */
export function OnceKey() {
  return <input type="hidden" name="once" value={randomUUID()} />;
}

interface TextAreaProps {
  readonly name: string;
  readonly label: string;
  readonly words: Words;
  readonly faults?: FieldFaults | undefined;
  readonly hint?: string | undefined;
  readonly value?: string | undefined;
  /** Of the box; 8 when left out. */
  readonly rows?: number;
}

/** Lines to write or paste, as a program reads them. */
export function TextArea({ name, label, words, faults, hint, value, rows = 8 }: TextAreaProps) {
  const fault = faults?.[name];
  return (
    <div class="field">
      <label for={name}>{label}</label>
      <textarea
        id={name}
        name={name}
        rows={rows}
        spellcheck={false}
        aria-invalid={fault === undefined ? undefined : "true"}
        aria-describedby={describedBy(name, hint, fault)}
      >
        {/* A line break at its very beginning is dropped by browsers: this one is. */}
        {`\n${value ?? ""}`}
      </textarea>
      <Beside name={name} hint={hint} fault={fault} words={words} />
    </div>
  );
}

interface FileFieldProps {
  readonly name: string;
  readonly label: string;
  /** Kinds of files, as browsers write them. */
  readonly accept: string;
  readonly words: Words;
}

/** A file of the visitor's; its form says `hasFile`. */
export function FileField({ name, label, accept, words }: FileFieldProps) {
  return (
    <div class="field">
      <label for={name}>
        {label} <small>({words.common.optional})</small>
      </label>
      <input id={name} name={name} type="file" accept={accept} />
    </div>
  );
}

export interface Choice {
  readonly value: string;
  readonly label: string;
  readonly hint?: string | undefined;
}

interface ChoiceProps {
  readonly name: string;
  readonly label: string;
  readonly words: Words;
  readonly choices: readonly Choice[];
  readonly faults?: FieldFaults | undefined;
  readonly hint?: string | undefined;
}

/** One of a few, from a list that folds out. */
export function Select({
  name,
  label,
  words,
  choices,
  faults,
  hint,
  value,
  id = name,
}: ChoiceProps & { readonly value?: string | undefined; readonly id?: string }) {
  const fault = faults?.[name];
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select
        id={id}
        name={name}
        aria-invalid={fault === undefined ? undefined : "true"}
        aria-describedby={describedBy(id, hint, fault)}
      >
        {choices.map((one) => (
          <option value={one.value} selected={one.value === value}>
            {one.label}
          </option>
        ))}
      </select>
      <Beside name={id} hint={hint} fault={fault} words={words} />
    </div>
  );
}

/** Any number of a few: boxes to tick; `single` makes them one of a few, all in sight. */
export function Choices({
  name,
  label,
  words,
  choices,
  faults,
  hint,
  values = [],
  single = false,
}: ChoiceProps & { readonly values?: readonly string[] | undefined; readonly single?: boolean }) {
  const fault = faults?.[name];
  return (
    <fieldset aria-describedby={describedBy(name, hint, fault)} aria-invalid={fault === undefined ? undefined : "true"}>
      <legend>{label}</legend>
      {choices.map((one) => (
        <label class="choice">
          <input
            type={single ? "radio" : "checkbox"}
            name={name}
            value={one.value}
            checked={values.includes(one.value)}
          />
          <span>
            {one.label}
            {one.hint && <small>{one.hint}</small>}
          </span>
        </label>
      ))}
      <Beside name={name} hint={hint} fault={fault} words={words} />
    </fieldset>
  );
}

function describedBy(name: string, hint: string | undefined, fault: FaultText | undefined): string | undefined {
  const ids = [...(fault === undefined ? [] : [`${name}-fault`]), ...(hint === undefined ? [] : [`${name}-hint`])];
  return ids.length === 0 ? undefined : ids.join(" ");
}

function Beside({
  name,
  hint,
  fault,
  words,
}: {
  name: string;
  hint?: string | undefined;
  fault?: FaultText | undefined;
  words: Words;
}) {
  return (
    <>
      {fault !== undefined && (
        <p class="fault" id={`${name}-fault`}>
          <Fault text={fault} words={words} />
        </p>
      )}
      {hint !== undefined && <small id={`${name}-hint`}>{hint}</small>}
    </>
  );
}
