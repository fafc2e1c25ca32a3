/** The fields by which a property's rules and its guide for guests are told. */
import type { HouseGuide } from "../../domain/house-guide.ts";
import type { StayRules } from "../../domain/stay-planner.ts";
import type { FieldFaults } from "../own-api.ts";
import type { FormWords } from "../page-book.tsx";
import { Field, Select, TextArea } from "../parts/form.tsx";
import { languages, type Words } from "../words/words.ts";
import { linesOf, numberOf } from "./let-shapes.ts";

const times = ["checkIn", "checkOut"] as const;
const numbers = [
  "earlyMinutes",
  "lateMinutes",
  "cleaningMinutes",
  "aheadHours",
  "showCodeHours",
  "codeLength",
  "spareCodes",
] as const;
const names = [...times, ...numbers, "codeFrom"] as const;
type RuleName = (typeof names)[number];

/** As they are typed. */
export type GivenRules = Readonly<Record<RuleName, string>>;

/** The API's names of the fields. */
export const ruleNames: Readonly<Record<string, string>> = Object.fromEntries(
  names.map((name) => [`rules.${name}`, name]),
);

export function readRules(form: FormWords): GivenRules {
  return Object.fromEntries(names.map((name) => [name, form.text(name)])) as GivenRules;
}

/** For the API. Empty hours before the code is shown: as soon as it is made. */
export function rulesOrder(given: GivenRules) {
  const told = numbers.map((name) => [name, numberOf(given[name])] as const);
  const { checkIn, checkOut, codeFrom, showCodeHours } = given;
  return {
    ...Object.fromEntries(told),
    ...{ checkIn, checkOut, codeFrom },
    ...(showCodeHours === "" && { showCodeHours: null }),
  };
}

export const givenOf = (rules: StayRules): GivenRules =>
  Object.fromEntries(names.map((name) => [name, `${rules[name] ?? ""}`])) as GivenRules;

interface FieldsProps<G> {
  readonly given: G;
  readonly words: Words;
  readonly faults: FieldFaults | undefined;
}

export function RuleFields({ given, words, faults }: FieldsProps<GivenRules>) {
  const { letting } = words;
  return (
    <>
      {times.map((name) => (
        <Field {...{ name, words, faults }} type="time" label={letting[name]} value={given[name]} required />
      ))}
      {numbers.map((name) => (
        <Field
          {...{ name, words, faults }}
          label={letting.rules[name]}
          hint={letting.ruleHints[name]}
          value={given[name]}
          required={name !== "showCodeHours"}
          inputmode="numeric"
          maxlength={5}
          autocomplete="off"
        />
      ))}
      <Select
        {...{ words, faults }}
        name="codeFrom"
        label={letting.codeFrom}
        hint={letting.codeFromHint}
        value={given.codeFrom}
        choices={(["random", "phone"] as const).map((value) => ({ value, label: letting.codeFromKinds[value] }))}
      />
    </>
  );
}

/** As it is typed; notes by language. */
export interface GivenGuide {
  readonly address: string;
  readonly latitude: string;
  readonly longitude: string;
  readonly notes: Readonly<Record<string, string>>;
}

export const guideNames: Readonly<Record<string, string>> = {
  "guide.address": "address",
  "guide.place.latitude": "latitude",
  "guide.place.longitude": "longitude",
  ...Object.fromEntries(Object.keys(languages).map((code) => [`guide.notes.${code}`, `notes-${code}`])),
  "guide.notes": "notes-en",
};

export function readGuide(form: FormWords): GivenGuide {
  const notes = Object.keys(languages).map((code) => [code, linesOf(form, `notes-${code}`)] as const);
  return {
    address: form.text("address"),
    latitude: form.text("latitude"),
    longitude: form.text("longitude"),
    notes: Object.fromEntries(notes),
  };
}

const degrees = (text: string) => (/^-?\d{1,3}(\.\d{1,12})?$/.test(text) ? Number(text) : text);

/** For the API. Notes in other languages than the pages' stay as they are. */
export function guideOrder({ address, latitude, longitude, notes }: GivenGuide) {
  const hasPlace = latitude + longitude !== "";
  return {
    address: address || null,
    place: hasPlace ? { latitude: degrees(latitude), longitude: degrees(longitude) } : null,
    notes: Object.fromEntries(Object.entries(notes).map(([code, text]) => [code, text || null])),
  };
}

export const givenGuideOf = ({ address, place, notes }: HouseGuide): GivenGuide => ({
  address: address ?? "",
  latitude: `${place?.latitude ?? ""}`,
  longitude: `${place?.longitude ?? ""}`,
  notes,
});

export function GuideFields({ given, words, faults }: FieldsProps<GivenGuide>) {
  const { letting } = words;
  const field = { words, faults };
  return (
    <>
      <Field {...field} name="address" label={letting.address} value={given.address} maxlength={300} />
      {(["latitude", "longitude"] as const).map((name) => (
        <Field
          {...{ name, words, faults }}
          label={letting[name]}
          hint={letting.placeHint}
          value={given[name]}
          maxlength={20}
          autocomplete="off"
        />
      ))}
      {Object.entries(languages).map(([code, { language }]) => (
        <TextArea
          {...field}
          name={`notes-${code}`}
          label={letting.notesIn(language)}
          hint={letting.notesHint}
          value={given.notes[code]}
          rows={5}
        />
      ))}
    </>
  );
}
