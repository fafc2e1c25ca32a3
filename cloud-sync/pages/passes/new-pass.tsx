/** Inviting somebody, also again: then the form is filled in from an earlier pass, and the pass is known to be the same visitor's. */
import type { Instant } from "../../../gateway/domain/instant.ts";
import { Frame } from "../frame.tsx";
import { NoSite } from "../grants.tsx";
import { type FieldFaults, faultsFrom } from "../own-api.ts";
import { FormWords, type PageBook } from "../page-book.tsx";
import { Choices, Field, Form, OnceKey } from "../parts/form.tsx";
import { hoursFault, windowsOf } from "../parts/hours.tsx";
import { knownZone, nextEvening } from "../parts/moments.tsx";
import { Empty } from "../parts/show.tsx";
import { chosenSite, SiteSwitch } from "../parts/site-choice.tsx";
import { listDoors, listSites, type SeenSite } from "../sites.tsx";
import type { Visit } from "../visit.ts";
import {
  EntryFields,
  entriesAllowed,
  entriesFault,
  fieldsOf,
  type GivenPass,
  MoreFields,
  readPassFields,
  VisitorFields,
} from "./pass-fields.tsx";
import { passesPath, passPath, type SeenPass } from "./pass-shapes.ts";

interface GivenInvitation extends GivenPass {
  /** The earlier pass of the same visitor; "": none. */
  readonly again: string;
  readonly validity: string;
  readonly from: string;
  readonly accessPoints: readonly string[];
}

export function addNewPassPages(book: PageBook): void {
  book.get("/passes/new", "passes.change", async (c, visit) => {
    const sites = await listSites(visit);
    const again = c.req.query("again");
    const earlier = again ? await visit.api.get<SeenPass>(passPath(again)) : undefined;
    const site = chosenSite(sites, earlier?.site ?? c.req.query("site"));
    const given = earlier && invitationAgain(earlier);
    return c.html(site ? await newPassPage(visit, sites, site, { now: book.now(), given }) : <NoSite visit={visit} />);
  });

  book.post("/passes", "passes.change", async (c, visit) => {
    const form = await FormWords.of(c);
    const sites = await listSites(visit);
    const site = chosenSite(sites, form.text("site"));
    if (!site) return c.html(<NoSite visit={visit} />, 422);
    const given = readForm(form);
    const again = async (faults: FieldFaults) =>
      c.html(await newPassPage(visit, sites, site, { now: book.now(), faults, given }), 422);
    const count = entriesAllowed(given);
    if (count === undefined) return again(entriesFault(visit.words));
    const fault = hoursFault(given, visit.words);
    if (fault) return again(fault);
    try {
      const order = orderOf(given, site, count);
      const made = await visit.api.send<SeenPass>("POST", passesPath, order, form.onceKey());
      return c.redirect(`/passes/${made.id}?done=made`, 303);
    } catch (error) {
      return again(faultsFrom(error, { entriesAllowed: "entriesCount", windows: "days" }));
    }
  });
}

function invitationAgain(pass: SeenPass): GivenInvitation {
  const { accessPoints } = pass;
  return { ...fieldsOf(pass), again: pass.id, validity: "today", from: "", accessPoints };
}

function readForm(form: FormWords): GivenInvitation {
  return {
    ...readPassFields(form),
    again: form.text("again"),
    validity: form.text("validity"),
    from: form.text("from"),
    accessPoints: form.all("accessPoints"),
  };
}

/** Moments go on as they were typed: the API reads them in the site's zone, and says what is wrong with them. */
function orderOf(given: GivenInvitation, site: SeenSite, count: number | null) {
  const { again, visitorName, visitorType, documentNum, notes, validity, from, until, accessPoints } = given;
  const windows = windowsOf(given);
  return {
    site: site.id,
    ...(again !== "" && { again }),
    visitorName,
    visitorType,
    ...(documentNum !== "" && { documentNum }),
    ...(notes !== "" && { notes }),
    validity,
    ...(validity === "custom" && { ...(from !== "" && { from }), until }),
    entriesAllowed: count,
    accessPoints,
    ...(windows && { windows }),
  };
}

interface NewPassNews {
  readonly now: Instant;
  readonly faults?: FieldFaults | undefined;
  readonly given?: GivenInvitation | undefined;
}

async function newPassPage(
  visit: Visit,
  sites: readonly SeenSite[],
  site: SeenSite,
  { now, faults, given }: NewPassNews,
) {
  const { words } = visit;
  const { passes } = words;
  const doors = (await listDoors(visit, site.id)).filter(({ goneAt }) => goneAt === null);
  const zone = knownZone(site.zone);
  const chosen = given?.accessPoints ?? (doors.length === 1 ? doors.map(({ id }) => id) : []);
  const fields = { words, faults, given };
  return (
    <Frame visit={visit} title={passes.invite} at="/passes">
      <h1>{passes.invite}</h1>
      {!given?.again && <SiteSwitch action="/passes/new" sites={sites} site={site} words={words} />}
      {doors.length === 0 ? (
        <Empty title={words.sites.doorsEmpty} text={words.sites.doorsEmptyText} />
      ) : (
        <Form action="/passes" words={words} faults={faults} submit={passes.submit}>
          <input type="hidden" name="site" value={site.id} />
          <input type="hidden" name="again" value={given?.again} />
          <OnceKey />
          <VisitorFields {...fields} />
          <Choices
            name="validity"
            label={passes.validity}
            words={words}
            faults={faults}
            single
            values={[given?.validity || "today"]}
            choices={(["today", "week", "custom"] as const).map((value) => ({
              value,
              label: passes.validities[value],
            }))}
          />
          <div class="when-custom">
            <Field
              name="from"
              type="datetime-local"
              label={passes.from}
              hint={passes.fromHint}
              words={words}
              faults={faults}
              value={given?.from}
            />
            <Field
              name="until"
              type="datetime-local"
              label={passes.until}
              hint={passes.untilHint(zone)}
              words={words}
              faults={faults}
              value={given?.until || nextEvening(now, zone)}
            />
          </div>
          <EntryFields {...fields} />
          <Choices
            name="accessPoints"
            label={passes.doors}
            words={words}
            faults={faults}
            values={chosen}
            choices={doors.map(({ id, name }) => ({ value: id, label: name }))}
          />
          <MoreFields {...fields} />
        </Form>
      )}
      <p>
        <a href="/passes">{words.common.back}</a>
      </p>
    </Frame>
  );
}
