/** Making a temporary code: the form with the rules of the chosen locks, and the digits once it is made. */
import type { Instant } from "../../../gateway/domain/instant.ts";
import { Frame } from "../frame.tsx";
import { NoSite } from "../grants.tsx";
import { type FieldFaults, faultsFrom } from "../own-api.ts";
import { FormWords, type PageBook } from "../page-book.tsx";
import { Choices, Field, Form, OnceKey } from "../parts/form.tsx";
import { type GivenHours, Hours, hoursFault, readHours, windowsOf } from "../parts/hours.tsx";
import { knownZone, nextEvening } from "../parts/moments.tsx";
import { Empty, Secret } from "../parts/show.tsx";
import { chosenSite, SiteSwitch } from "../parts/site-choice.tsx";
import { listDoors, listSites, type SeenSite } from "../sites.tsx";
import type { Visit } from "../visit.ts";
import { type CodeDigits, codesPath, type SeenCode } from "./code-shapes.ts";
import { codeForm, rulesPart } from "./rules.tsx";

export interface GivenCodeForm extends GivenHours {
  readonly name: string;
  readonly code: string;
  readonly from: string;
  readonly until: string;
  readonly accessPoints: readonly string[];
}

export function addNewCodePages(book: PageBook): void {
  book.get("/codes/new", "codes.change", async (c, visit) => {
    const sites = await listSites(visit);
    const site = chosenSite(sites, c.req.query("site"));
    return c.html(site ? await newCodePage(visit, sites, site, { now: book.now() }) : <NoSite visit={visit} />);
  });

  book.post("/codes/rules", "codes.change", async (c, visit) => {
    const form = await FormWords.of(c);
    const chosen = { site: form.text("site"), accessPoints: form.all("accessPoints"), code: form.text("code") };
    return c.html(await rulesPart(visit, chosen));
  });

  book.post("/codes", "codes.change", async (c, visit) => {
    const form = await FormWords.of(c);
    const sites = await listSites(visit);
    const site = chosenSite(sites, form.text("site"));
    const given = readForm(form);
    if (!site) return c.html(<NoSite visit={visit} />, 422);
    const again = async (faults: FieldFaults) =>
      c.html(await newCodePage(visit, sites, site, { now: book.now(), faults, given }), 422);
    const fault = hoursFault(given, visit.words);
    if (fault) return again(fault);
    try {
      const made = await visit.api.send<SeenCode & CodeDigits>("POST", codesPath, orderOf(given, site), form.onceKey());
      return c.html(<MadePage visit={visit} made={made} />);
    } catch (error) {
      return again(faultsFrom(error, { expiry: "until", windows: "days" }));
    }
  });
}

function readForm(form: FormWords): GivenCodeForm {
  return {
    name: form.text("name"),
    code: form.text("code").replaceAll(/\s/g, ""),
    from: form.text("from"),
    until: form.text("until"),
    accessPoints: form.all("accessPoints"),
    ...readHours(form),
  };
}

/** Moments go on as they were typed: the API reads them in the site's zone, and says what is wrong with them. */
function orderOf({ name, code, from, until, accessPoints, ...hours }: GivenCodeForm, site: SeenSite) {
  const windows = windowsOf(hours);
  return {
    site: site.id,
    name,
    accessPoints,
    expiry: until,
    ...(code !== "" && { code }),
    ...(from !== "" && { from }),
    ...(windows && { windows }),
  };
}

interface NewCodeNews {
  readonly now: Instant;
  readonly faults?: FieldFaults;
  readonly given?: GivenCodeForm;
}

async function newCodePage(
  visit: Visit,
  sites: readonly SeenSite[],
  site: SeenSite,
  { now, faults, given }: NewCodeNews,
) {
  const { words } = visit;
  const doors = (await listDoors(visit, site.id)).filter(({ goneAt }) => goneAt === null);
  const zone = knownZone(site.zone);
  const chosen = given?.accessPoints ?? (doors.length === 1 ? doors.map(({ id }) => id) : []);
  return (
    <Frame visit={visit} title={words.codes.make} at="/codes">
      <h1>{words.codes.make}</h1>
      <SiteSwitch action="/codes/new" sites={sites} site={site} words={words} />
      {doors.length === 0 ? (
        <Empty title={words.sites.doorsEmpty} text={words.codes.noDoors} />
      ) : (
        <Form action="/codes" id={codeForm} words={words} faults={faults} submit={words.codes.submit}>
          <input type="hidden" name="site" value={site.id} />
          <OnceKey />
          <Field
            name="name"
            label={words.codes.name}
            hint={words.codes.nameHint}
            words={words}
            faults={faults}
            value={given?.name}
            required
            autocomplete="off"
          />
          <Choices
            name="accessPoints"
            label={words.codes.doors}
            words={words}
            faults={faults}
            values={chosen}
            choices={doors.map(({ id, name }) => ({ value: id, label: name }))}
          />
          {await rulesPart(visit, { site: site.id, accessPoints: chosen, code: given?.code ?? "" })}
          <Field
            name="code"
            label={words.codes.digits}
            hint={words.codes.digitsHint}
            words={words}
            faults={faults}
            value={given?.code}
            inputmode="numeric"
            autocomplete="off"
          />
          <Field
            name="until"
            type="datetime-local"
            label={words.codes.until}
            hint={words.common.timesIn(zone)}
            words={words}
            faults={faults}
            value={given?.until ?? nextEvening(now, zone)}
            required
          />
          <Field
            name="from"
            type="datetime-local"
            label={words.codes.from}
            hint={words.codes.fromHint}
            words={words}
            faults={faults}
            value={given?.from}
          />
          <Hours words={words} faults={faults} given={given} />
        </Form>
      )}
    </Frame>
  );
}

function MadePage({ visit, made }: { visit: Visit; made: SeenCode & CodeDigits }) {
  const { words } = visit;
  return (
    <Frame visit={visit} title={words.codes.made} at="/codes">
      <h1>{words.codes.made}</h1>
      <p>{words.codes.madeLead(made.name)}</p>
      <Secret text={made.code} words={words} big />
      <p>{words.codes.madeHint}</p>
      <p>
        <a class="button" href={`/codes/${made.id}`}>
          {words.codes.status}
        </a>
      </p>
    </Frame>
  );
}
