/** Temporary codes as a file, out and in: in the shape of the source system's temp_codes.json, see ../../temp-code-file.ts. */
import { parseYaml } from "../../../config/yaml-file.ts";
import { type FieldError, HttpProblem } from "../../../web/problem.ts";
import { reachOf } from "../../domain/permissions.ts";
import { Frame } from "../frame.tsx";
import { grantStates, NoSite } from "../grants.tsx";
import { type FieldFaults, faultsFrom, query } from "../own-api.ts";
import { FormWords, type PageBook } from "../page-book.tsx";
import { Fault } from "../parts/fault.tsx";
import { Choices, FileField, Form, Select, TextArea } from "../parts/form.tsx";
import { Empty, Notice, Table } from "../parts/show.tsx";
import { chosenSite, SiteChoice, SiteSwitch } from "../parts/site-choice.tsx";
import { listDoors, listSites, type SeenSite } from "../sites.tsx";
import type { Visit } from "../visit.ts";
import { codesPath } from "./code-shapes.ts";

interface Imported {
  readonly imported: readonly { readonly entry: string; readonly id: string }[];
  readonly left: readonly { readonly entry: string; readonly why: "ended" | "not-active" }[];
}

export function addCodeFilePages(book: PageBook): void {
  book.get("/codes/export", "codes.read", async (c, visit) => {
    const sites = await listSites(visit);
    const site = chosenSite(sites, c.req.query("site"));
    return c.html(site ? <ExportPage visit={visit} sites={sites} site={site} /> : <NoSite visit={visit} />);
  });

  // By POST, because a file with digits is a reveal of each, and audited.
  book.post("/codes/export", "codes.read", async (c, visit) => {
    const form = await FormWords.of(c);
    const sites = await listSites(visit);
    const site = chosenSite(sites, form.text("site"));
    if (!site) return c.html(<NoSite visit={visit} />, 422);
    const wanted = { site: site.id, state: form.text("state"), digits: form.some("digits") };
    try {
      const file = await visit.api.get<object>(`${codesPath}/export${query(wanted)}`);
      return c.body(`${JSON.stringify(file, undefined, 2)}\n`, 200, {
        "content-type": "application/json; charset=utf-8",
        "content-disposition": 'attachment; filename="temp_codes.json"',
      });
    } catch (error) {
      return c.html(<ExportPage visit={visit} sites={sites} site={site} faults={faultsFrom(error)} />, 422);
    }
  });

  book.get("/codes/import", "codes.change", async (c, visit) => {
    const sites = await listSites(visit);
    const site = chosenSite(sites, c.req.query("site"));
    return c.html(site ? await importPage(visit, sites, site) : <NoSite visit={visit} />);
  });

  book.post("/codes/import", "codes.change", async (c, visit) => {
    const form = await FormWords.of(c);
    const sites = await listSites(visit);
    const site = chosenSite(sites, form.text("site"));
    if (!site) return c.html(<NoSite visit={visit} />, 422);
    const given = { text: (await form.file("file")) ?? form.exact("text"), accessPoints: form.all("accessPoints") };
    const again = async (news: ImportNews) => c.html(await importPage(visit, sites, site, { given, ...news }), 422);
    const read = readJson(given.text);
    if ("line" in read) {
      const { noText, notJson } = visit.words.files;
      return again({ faults: { text: { own: given.text.trim() === "" ? noText : notJson(read.line) } } });
    }
    try {
      const wanted = { site: site.id, accessPoints: given.accessPoints.join(",") };
      const done = await visit.api.send<Imported>("POST", `${codesPath}/import${query(wanted)}`, read.value);
      return c.html(<ImportedPage visit={visit} done={done} />);
    } catch (error) {
      const wrong = error instanceof HttpProblem ? entryFaults(error.errors, given.text, read.value) : [];
      const faults = faultsFrom(error, { body: "text" });
      const other = wrong.length === 0 ? faults : pick(faults, ["accessPoints", "site", "text"]);
      return again({ faults: other, wrong });
    }
  });
}

function pick(faults: FieldFaults, names: readonly string[]): FieldFaults {
  return Object.fromEntries(Object.entries(faults).filter(([name]) => names.includes(name)));
}

/** Or in which line it stops being JSON. */
function readJson(text: string): { readonly value: object } | { readonly line: number } {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { value } : { line: 1 };
  } catch (error) {
    const [, line] = / \(line (\d+) column \d+\)/.exec((error as Error).message) ?? [];
    return { line: line === undefined ? text.trimEnd().split("\n").length : Number(line) };
  }
}

interface EntryFault extends FieldError {
  readonly entry: string;
  readonly line: number | undefined;
}

/** What is wrong with which entry of the file, and where it stands there. */
function entryFaults(errors: readonly FieldError[], text: string, file: object): EntryFault[] {
  const entries = Object.keys(file).sort((a, b) => b.length - a.length);
  const lineOf = linesOf(text);
  return errors.flatMap(({ field, message }) => {
    const path = field.replace(/^body\./, "");
    const entry = entries.find((one) => path === one || path.startsWith(`${one}.`));
    if (entry === undefined || path === field) return [];
    const name = path.slice(entry.length + 1);
    return [{ entry, field: name, message, line: lineOf(name === "" ? [entry] : [entry, name]) }];
  });
}

/** JSON is YAML as well, and that one knows its lines. */
function linesOf(text: string): (path: readonly string[]) => number | undefined {
  try {
    return parseYaml("temp_codes.json", text).lineOf;
  } catch {
    return () => undefined;
  }
}

interface ExportProps {
  readonly visit: Visit;
  readonly sites: readonly SeenSite[];
  readonly site: SeenSite;
  readonly faults?: FieldFaults;
}

function ExportPage({ visit, sites, site, faults }: ExportProps) {
  const { words } = visit;
  const { files } = words;
  const mayReveal = reachOf(visit.actor!, "codes.reveal") !== undefined;
  return (
    <Frame visit={visit} title={files.export} at="/codes">
      <h1>{files.export}</h1>
      <p>{files.exportLead}</p>
      <Form action="/codes/export" words={words} faults={faults} submit={files.download}>
        <SiteChoice sites={sites} site={site} words={words} />
        <Select
          name="state"
          label={words.common.state}
          words={words}
          faults={faults}
          choices={[
            { value: "", label: words.common.all },
            ...grantStates.map((value) => ({ value, label: words.codes.states[value] })),
          ]}
        />
        {mayReveal && (
          <Choices
            name="digits"
            label={files.digits}
            words={words}
            choices={[{ value: "yes", label: files.withDigits, hint: files.digitsHint }]}
          />
        )}
      </Form>
      <p>
        <a href="/codes">{words.common.back}</a>
      </p>
    </Frame>
  );
}

interface ImportNews {
  readonly given?: { readonly text: string; readonly accessPoints: readonly string[] };
  readonly faults?: FieldFaults;
  readonly wrong?: readonly EntryFault[];
}

async function importPage(
  visit: Visit,
  sites: readonly SeenSite[],
  site: SeenSite,
  { given, faults, wrong = [] }: ImportNews = {},
) {
  const { words } = visit;
  const { files } = words;
  const doors = (await listDoors(visit, site.id)).filter(({ goneAt }) => goneAt === null);
  const chosen = given?.accessPoints ?? (doors.length === 1 ? doors.map(({ id }) => id) : []);
  return (
    <Frame visit={visit} title={files.import} at="/codes">
      <h1>{files.import}</h1>
      <p>{files.importLead}</p>
      <SiteSwitch action="/codes/import" sites={sites} site={site} words={words} />
      {wrong.length > 0 && <WrongEntries wrong={wrong} visit={visit} />}
      {doors.length === 0 ? (
        <Empty title={words.sites.doorsEmpty} text={words.codes.noDoors} />
      ) : (
        <Form
          action="/codes/import"
          words={words}
          faults={wrong.length > 0 ? undefined : faults}
          submit={files.submit}
          hasFile
        >
          <input type="hidden" name="site" value={site.id} />
          <Choices
            name="accessPoints"
            label={words.codes.doors}
            words={words}
            faults={faults}
            values={chosen}
            choices={doors.map(({ id, name }) => ({ value: id, label: name }))}
          />
          <FileField name="file" label={files.file} accept=".json,application/json" words={words} />
          <TextArea
            name="text"
            label={files.text}
            hint={files.textHint}
            words={words}
            faults={faults}
            value={given?.text}
          />
        </Form>
      )}
      <p>
        <a href="/codes">{words.common.back}</a>
      </p>
    </Frame>
  );
}

/** Nothing was imported: every entry at fault, with its line and field. */
function WrongEntries({ wrong, visit: { words } }: { wrong: readonly EntryFault[]; visit: Visit }) {
  const { files } = words;
  return (
    <section aria-label={files.wrong}>
      <div class="notice bad" role="alert" tabindex={-1} autofocus>
        <p>{files.wrong}</p>
      </div>
      <Table
        caption={files.wrong}
        rows={wrong}
        columns={[
          { head: files.entry, cell: ({ entry }) => entry },
          { head: files.line, cell: ({ line }) => line ?? "–" },
          { head: files.field, cell: ({ field }) => (field === "" ? "–" : <code>{field}</code>) },
          { head: files.problem, cell: ({ message }) => <Fault text={message} words={words} /> },
        ]}
      />
    </section>
  );
}

function ImportedPage({ visit, done: { imported, left } }: { visit: Visit; done: Imported }) {
  const { words } = visit;
  const { files } = words;
  return (
    <Frame visit={visit} title={files.import} at="/codes">
      <h1>{files.import}</h1>
      <Notice tone={imported.length > 0 ? "good" : "warn"}>{files.imported(imported.length)}</Notice>
      {left.length > 0 && (
        <>
          <h2>{files.left(left.length)}</h2>
          <Table
            caption={files.left(left.length)}
            rows={left}
            columns={[
              { head: files.entry, cell: ({ entry }) => entry },
              { head: words.events.why, cell: ({ why }) => files.why[why] },
            ]}
          />
        </>
      )}
      <p>
        <a class="button" href="/codes">
          {words.codes.title}
        </a>
      </p>
    </Frame>
  );
}
