/** One property: its doors, how codes of its stays are made, what its guests read of the house, and its end. */
import { Frame } from "../frame.tsx";
import { type FaultText, type FieldFaults, faultsFrom } from "../own-api.ts";
import { FormWords, type PageBook, type PageContext } from "../page-book.tsx";
import { Fault } from "../parts/fault.tsx";
import { Choices, Field, Form } from "../parts/form.tsx";
import { Confirmation, Notice } from "../parts/show.tsx";
import { listDoors, type SeenDoor } from "../sites.tsx";
import type { Visit } from "../visit.ts";
import { type LetProperty, propertyPath } from "./let-shapes.ts";
import { Spares } from "./properties.tsx";
import {
  type GivenGuide,
  type GivenRules,
  GuideFields,
  givenGuideOf,
  givenOf,
  guideNames,
  guideOrder,
  RuleFields,
  readGuide,
  readRules,
  ruleNames,
  rulesOrder,
} from "./property-fields.tsx";

export function addOnePropertyPages(book: PageBook): void {
  book.get("/properties/:property", "properties.change", async (c, visit) =>
    c.html(await propertyPage(visit, await readProperty(c, visit), { done: c.req.query("done") })),
  );

  book.post("/properties/:property/doors", "properties.change", async (c, visit) => {
    const form = await FormWords.of(c);
    const doors = { name: form.text("name"), accessPoints: form.all("accessPoints") };
    return change(c, visit, doors, {}, { doors });
  });

  book.post("/properties/:property/rules", "properties.change", async (c, visit) => {
    const rules = readRules(await FormWords.of(c));
    return change(c, visit, { rules: rulesOrder(rules) }, ruleNames, { rules });
  });

  book.post("/properties/:property/guide", "properties.change", async (c, visit) => {
    const guide = readGuide(await FormWords.of(c));
    return change(c, visit, { guide: guideOrder(guide) }, guideNames, { guide });
  });

  book.get("/properties/:property/close", "properties.change", async (c, visit) =>
    c.html(closePage(visit, await readProperty(c, visit))),
  );

  book.post("/properties/:property/close", "properties.change", async (c, visit) => {
    const property = await readProperty(c, visit);
    try {
      await visit.api.send("DELETE", propertyPath(property.id));
      return c.redirect("/properties?done=closed", 303);
    } catch (error) {
      return c.html(await propertyPage(visit, property, { closeFault: faultsFrom(error, { id: "" })[""] }), 422);
    }
  });
}

export const readProperty = (c: PageContext, { api }: Visit) =>
  api.get<LetProperty>(propertyPath(c.req.param("property")!));

interface Doors {
  readonly name: string;
  readonly accessPoints: readonly string[];
}

/** One of its forms, as it was filled in. */
interface Given {
  readonly doors?: Doors;
  readonly rules?: GivenRules;
  readonly guide?: GivenGuide;
}

async function change(
  c: PageContext,
  visit: Visit,
  order: object,
  names: Readonly<Record<string, string>>,
  given: Given,
) {
  const property = await readProperty(c, visit);
  try {
    await visit.api.send("PATCH", propertyPath(property.id), order);
    return c.redirect(`/properties/${property.id}?done=saved`, 303);
  } catch (error) {
    return c.html(await propertyPage(visit, property, { given, faults: faultsFrom(error, names) }), 422);
  }
}

interface PropertyNews {
  readonly done?: string | undefined;
  readonly given?: Given;
  /** Of the form that was sent. */
  readonly faults?: FieldFaults;
  readonly closeFault?: FaultText | undefined;
}

async function propertyPage(visit: Visit, property: LetProperty, { done, given, faults, closeFault }: PropertyNews) {
  const { words } = visit;
  const { letting } = words;
  const at = `/properties/${property.id}`;
  const told: Readonly<Record<string, string>> = { made: letting.propertyMade, saved: words.common.saved };
  const ofForm = (name: keyof Given) => (given?.[name] ? faults : undefined);
  const isLet = property.closedAt === null;
  return (
    <Frame visit={visit} title={property.name} at="/properties">
      <h1>{property.name}</h1>
      {told[done ?? ""] && <Notice>{told[done ?? ""]}</Notice>}
      {closeFault !== undefined && (
        <Notice tone="bad">
          <Fault text={closeFault} words={words} />
        </Notice>
      )}
      {!isLet && <Notice tone="calm">{letting.letNoMore}</Notice>}
      <p>
        {letting.spares}: <Spares property={property} visit={visit} />
      </p>
      <p>
        <a href={`${at}/messages`}>{letting.telling}</a>
      </p>
      <h2>{letting.doors}</h2>
      <DoorsForm
        visit={visit}
        property={property}
        doors={given?.doors ?? property}
        faults={ofForm("doors")}
        known={await listDoors(visit, property.site)}
      />
      <h2>{letting.rulesTitle}</h2>
      <p>{letting.rulesLead}</p>
      <Form action={`${at}/rules`} words={words} faults={ofForm("rules")} submit={letting.saveRules}>
        <RuleFields given={given?.rules ?? givenOf(property.rules)} words={words} faults={ofForm("rules")} />
      </Form>
      <h2>{letting.guideTitle}</h2>
      <p>{letting.guideLead}</p>
      <Form action={`${at}/guide`} words={words} faults={ofForm("guide")} submit={letting.saveGuide}>
        <GuideFields given={given?.guide ?? givenGuideOf(property.guide)} words={words} faults={ofForm("guide")} />
      </Form>
      {isLet && (
        <p>
          <a href={`${at}/close`}>{letting.closeProperty}</a>
        </p>
      )}
    </Frame>
  );
}

interface DoorsFormProps {
  readonly visit: Visit;
  readonly property: LetProperty;
  readonly doors: Doors;
  readonly faults: FieldFaults | undefined;
  readonly known: readonly SeenDoor[];
}

function DoorsForm({ visit: { words }, property, doors, faults, known }: DoorsFormProps) {
  const { letting } = words;
  const field = { words, faults };
  const offered = known.filter(({ id, goneAt }) => goneAt === null || doors.accessPoints.includes(id));
  return (
    <Form action={`/properties/${property.id}/doors`} words={words} faults={faults} submit={letting.saveDoors}>
      <Field {...field} name="name" label={words.common.name} value={doors.name} required maxlength={200} />
      <Choices
        {...field}
        name="accessPoints"
        label={letting.doors}
        hint={letting.doorsHint}
        values={doors.accessPoints}
        choices={offered.map(({ id, name }) => ({ value: id, label: name }))}
      />
    </Form>
  );
}

function closePage(visit: Visit, { id, name }: LetProperty) {
  const { words } = visit;
  const title = words.letting.closeTitle(name);
  return (
    <Frame visit={visit} title={title} at="/properties">
      <Confirmation
        title={title}
        text={words.letting.closePropertyText}
        yes={words.letting.closePropertyYes}
        action={`/properties/${id}/close`}
        back={`/properties/${id}`}
        words={words}
      />
    </Frame>
  );
}
