/** Asks a source what there is to be booked, which proves its key too, and says of each flat and room which property it is. */
import type { SourcePlace } from "../../sources/booking-source.ts";
import { Frame } from "../frame.tsx";
import { type FaultText, type FieldFaults, faultsFrom } from "../own-api.ts";
import { FormWords, type PageBook } from "../page-book.tsx";
import { Fault } from "../parts/fault.tsx";
import { Field, Form, Select } from "../parts/form.tsx";
import { Empty, Notice } from "../parts/show.tsx";
import type { Visit } from "../visit.ts";
import { listLet, type SeenSource, sourcePath } from "./let-shapes.ts";
import { readSource } from "./one-source.tsx";

export function addSourcePlacePages(book: PageBook): void {
  book.get("/sources/:source/places", "properties.change", async (c, visit) => {
    const source = await readSource(c, visit);
    return c.html(await placesPage(visit, source, { isNew: c.req.query("done") === "made" }));
  });

  book.post("/sources/:source/places", "properties.change", async (c, visit) => {
    const form = await FormWords.of(c);
    const source = await readSource(c, visit);
    const asked = form.all("place");
    const properties = form.all("property");
    const more = form.text("morePlace");
    const given: readonly Pair[] = [
      ...asked.map((place, index) => [place, properties[index] ?? ""] as const),
      ...(more === "" ? [] : [[more, form.text("moreProperty")] as const]),
    ];
    const places = Object.fromEntries(given.filter(([, property]) => property !== ""));
    try {
      await visit.api.send("PATCH", sourcePath(source.id), { places });
      return c.redirect(`/sources/${source.id}?done=placed`, 303);
    } catch (error) {
      const faults = faultsFrom(error, { places: "" });
      return c.html(await placesPage(visit, source, { given, faults }), 422);
    }
  });
}

type Pair = readonly [place: string, property: string];

/** What the source answers now, or why it does not. */
async function ask({ api }: Visit, { id }: SeenSource): Promise<readonly SourcePlace[] | { readonly why: FaultText }> {
  try {
    return (await api.get<{ items: readonly SourcePlace[] }>(`${sourcePath(id)}/places`)).items;
  } catch (error) {
    return { why: faultsFrom(error)[""] ?? "" };
  }
}

interface PlacesNews {
  readonly isNew?: boolean;
  readonly given?: readonly Pair[];
  readonly faults?: FieldFaults;
}

async function placesPage(visit: Visit, source: SeenSource, { isNew, given, faults }: PlacesNews) {
  const { words } = visit;
  const { letting } = words;
  const [answer, properties] = await Promise.all([ask(visit, source), listLet(visit, source.site)]);
  const found = Array.isArray(answer) ? (answer as readonly SourcePlace[]) : undefined;
  const { result } = source;
  const unknown = result !== null && "unknownPlaces" in result ? result.unknownPlaces : [];
  const chosen = new Map(given ?? Object.entries(source.places));
  const nameOf = new Map(found?.map(({ id, name }) => [id, name]));
  const places = [...new Set([...nameOf.keys(), ...chosen.keys(), ...unknown])];
  const choices = [
    { value: "", label: letting.notLetHere },
    ...properties.map(({ id, name }) => ({ value: id, label: name })),
  ];
  return (
    <Frame visit={visit} title={letting.places} at="/sources">
      <h1>{letting.placesOf(source.name)}</h1>
      {isNew && <Notice>{letting.sourceMade}</Notice>}
      {!found && (
        <Notice tone="bad">
          {letting.answersNot} <Fault text={"why" in answer ? answer.why : ""} words={words} />
        </Notice>
      )}
      {/* What sends by itself was not asked. */}
      {found && source.kind !== "webhook" && <Notice>{letting.answers(found.length)}</Notice>}
      <p>{letting.placesLead}</p>
      {places.length === 0 && source.kind !== "webhook" ? (
        <Empty title={letting.noPlaces} text={letting.noPlacesText} />
      ) : (
        <Form action={`/sources/${source.id}/places`} words={words} faults={faults} submit={words.common.save}>
          {places.map((place, index) => (
            <>
              <input type="hidden" name="place" value={place} />
              <Select
                id={`property-${index}`}
                name="property"
                label={nameOf.get(place) ?? place}
                words={words}
                value={chosen.get(place) ?? ""}
                choices={choices}
              />
            </>
          ))}
          {source.kind === "webhook" && (
            <>
              <Field
                name="morePlace"
                label={letting.morePlace}
                hint={letting.morePlaceHint}
                words={words}
                autocomplete="off"
                maxlength={200}
              />
              <Select name="moreProperty" label={words.stays.property} words={words} choices={choices} />
            </>
          )}
        </Form>
      )}
      <p>
        <a href={`/sources/${source.id}`}>{words.common.back}</a>
      </p>
    </Frame>
  );
}
