/** One source of bookings: how it is read, with which options, read now, its other secret, and its end. */
import { Frame } from "../frame.tsx";
import { type FieldFaults, faultsFrom } from "../own-api.ts";
import { FormWords, type PageBook, type PageContext } from "../page-book.tsx";
import { Field, Form } from "../parts/form.tsx";
import { knownZone, Moment } from "../parts/moments.tsx";
import { Confirmation, Notice } from "../parts/show.tsx";
import { listSites } from "../sites.tsx";
import type { Visit } from "../visit.ts";
import { AlarmsOf } from "./alarms.tsx";
import { numberOf, type SeenSource, sourcePath } from "./let-shapes.ts";
import { OptionFields, optionNames, readOptions, type SourceOptions } from "./source-options.tsx";
import { type HookSecrets, SecretsPage } from "./source-secrets.tsx";
import { ReadNow, SourceOutcome } from "./source-state.tsx";

export function addOneSourcePages(book: PageBook): void {
  book.get("/sources/:source", "properties.change", async (c, visit) =>
    c.html(await sourcePage(visit, await readSource(c, visit), { done: c.req.query("done") })),
  );

  book.post("/sources/:source/change", "properties.change", async (c, visit) => {
    const form = await FormWords.of(c);
    const source = await readSource(c, visit);
    const given: GivenSource = {
      name: form.text("name"),
      key: form.text("key"),
      everyMinutes: form.text("everyMinutes"),
      options: readOptions(source.kind, form),
    };
    const { name, key, everyMinutes, options } = given;
    try {
      await visit.api.send("PATCH", sourcePath(source.id), {
        ...{ name, options },
        ...(source.kind !== "webhook" && { everyMinutes: numberOf(everyMinutes) }),
        ...(key !== "" && { key }),
      });
      return c.redirect(`/sources/${source.id}?done=saved`, 303);
    } catch (error) {
      return c.html(await sourcePage(visit, source, { given, faults: faultsFrom(error, optionNames) }), 422);
    }
  });

  book.post("/sources/:source/run", "stays.change", async (c, visit) => {
    await visit.api.send("POST", `${pathOf(c)}/run`);
    return c.redirect("/sources?done=read", 303);
  });

  book.post("/sources/:source/rotate", "properties.change", async (c, visit) => {
    const source = await readSource(c, visit);
    const hook = await visit.api.send<HookSecrets>("POST", `${pathOf(c)}/rotate-secret`);
    return c.html(<SecretsPage visit={visit} source={source} hook={hook} />);
  });

  book.get("/sources/:source/close", "properties.change", async (c, visit) => {
    const { id, name } = await readSource(c, visit);
    const { words } = visit;
    const title = words.letting.closeTitle(name);
    return c.html(
      <Frame visit={visit} title={title} at="/sources">
        <Confirmation
          title={title}
          text={words.letting.closeSourceText}
          yes={words.letting.closeSourceYes}
          action={`/sources/${id}/close`}
          back={`/sources/${id}`}
          words={words}
        />
      </Frame>,
    );
  });

  book.post("/sources/:source/close", "properties.change", async (c, visit) => {
    await visit.api.send("DELETE", pathOf(c));
    return c.redirect("/sources?done=closed", 303);
  });
}

const pathOf = (c: PageContext) => sourcePath(c.req.param("source")!);
export const readSource = (c: PageContext, { api }: Visit) => api.get<SeenSource>(pathOf(c));

interface GivenSource {
  readonly name: string;
  readonly key: string;
  readonly everyMinutes: string;
  readonly options: SourceOptions;
}

interface SourceNews {
  readonly done?: string | undefined;
  readonly given?: GivenSource;
  readonly faults?: FieldFaults;
}

async function sourcePage(visit: Visit, source: SeenSource, { done, given, faults }: SourceNews) {
  const { words } = visit;
  const { letting } = words;
  const { id, kind, name, everyMinutes, options, closedAt } = source;
  const at = `/sources/${id}`;
  const told: Readonly<Record<string, string>> = { saved: words.common.saved, placed: letting.placesSaved };
  const field = { words, faults };
  return (
    <Frame visit={visit} title={name} at="/sources">
      <h1>{name}</h1>
      {told[done ?? ""] && <Notice>{told[done ?? ""]}</Notice>}
      {closedAt !== null && <Notice tone="calm">{letting.sourceClosed}</Notice>}
      {await AlarmsOf({ visit, about: id })}
      <SourceFacts visit={visit} source={source} zone={await zoneOf(visit, source)} />
      {closedAt === null && (
        <>
          <p>
            <a class="button" href={`${at}/places`}>
              {kind === "webhook" ? letting.places : letting.testAndPlace}
            </a>
          </p>
          <ReadNow source={source} visit={visit} />
        </>
      )}
      <h2>{letting.settings}</h2>
      <Form action={`${at}/change`} words={words} faults={faults} submit={words.common.save}>
        <Field {...field} name="name" label={words.common.name} value={given?.name ?? name} required maxlength={200} />
        <Field
          {...field}
          name="key"
          label={letting.otherKeys[kind]}
          hint={letting.otherKeyHint}
          value={given?.key}
          autocomplete="off"
          spellcheck={false}
          maxlength={2_000}
        />
        {kind !== "webhook" && (
          <Field
            {...field}
            name="everyMinutes"
            label={letting.everyMinutes}
            value={given?.everyMinutes ?? `${everyMinutes}`}
            required
            inputmode="numeric"
            maxlength={5}
            autocomplete="off"
          />
        )}
        <OptionFields kind={kind} options={given?.options ?? options} words={words} faults={faults} />
      </Form>
      {closedAt === null && (
        <div class="row">
          {kind === "webhook" && (
            <Form action={`${at}/rotate`} words={words} submit={letting.rotate} tone="secondary" class="row" />
          )}
          <a href={`${at}/close`}>{letting.closeSource}</a>
        </div>
      )}
    </Frame>
  );
}

const zoneOf = async (visit: Visit, { site }: SeenSource) =>
  knownZone((await listSites(visit)).find(({ id }) => id === site)?.zone);

function SourceFacts({ visit, source, zone }: { visit: Visit; source: SeenSource; zone: string }) {
  const { words, lang } = visit;
  const { letting } = words;
  const moments = [
    [letting.lastRead, source.ranAt],
    [letting.lastGood, source.goodAt],
    [letting.nextRead, source.nextAt],
  ] as const;
  return (
    <dl class="facts-list">
      <dt>{letting.kind}</dt>
      <dd>{letting.kinds[source.kind]}</dd>
      <dt>{letting.result}</dt>
      <dd>
        <SourceOutcome source={source} visit={visit} />
      </dd>
      {moments.map(([label, iso]) => (
        <>
          <dt>{label}</dt>
          <dd>{iso === null ? words.common.never : <Moment iso={iso} zone={zone} lang={lang} />}</dd>
        </>
      ))}
    </dl>
  );
}
