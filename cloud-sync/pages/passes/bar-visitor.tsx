/** Barring a visitor from the page of a pass: the person, the document, or that pass alone; and lifting it again. */
import { Frame } from "../frame.tsx";
import { type FieldFaults, faultsFrom, query } from "../own-api.ts";
import { FormWords, type PageBook } from "../page-book.tsx";
import { Choices, Field, Form } from "../parts/form.tsx";
import { knownZone, Moment } from "../parts/moments.tsx";
import { Table } from "../parts/show.tsx";
import { listSites, sitePath } from "../sites.tsx";
import type { Visit } from "../visit.ts";
import { readPass } from "./one-pass.tsx";
import type { SeenPass } from "./pass-shapes.ts";

const subjects = ["person", "document", "grant"] as const;
type Subject = (typeof subjects)[number];

interface SeenBar {
  readonly id: string;
  readonly subject: Subject;
  readonly reason: string | null;
  readonly createdAt: string;
}

export function addBarVisitorPages(book: PageBook): void {
  book.get("/passes/:pass/bar", "blacklist.change", async (c, visit) =>
    c.html(await barPage(visit, await readPass(c, visit))),
  );

  book.post("/passes/:pass/bar", "blacklist.change", async (c, visit) => {
    const form = await FormWords.of(c);
    const pass = await readPass(c, visit);
    const subject = subjects.find((one) => one === form.text("subject")) ?? "person";
    const reason = form.some("reason");
    try {
      const entry = { subject, value: barredValue(pass, subject), reason };
      await visit.api.send("POST", `${sitePath(pass.site)}/blacklist`, entry);
      return c.redirect(`/passes/${pass.id}?done=barred`, 303);
    } catch (error) {
      return c.html(await barPage(visit, pass, faultsFrom(error, { value: "subject" })), 422);
    }
  });

  book.post("/passes/:pass/bar/:entry/lift", "blacklist.change", async (c, visit) => {
    const pass = await readPass(c, visit);
    await visit.api.send("DELETE", `${sitePath(pass.site)}/blacklist/${encodeURIComponent(c.req.param("entry")!)}`);
    return c.redirect(`/passes/${pass.id}?done=unbarred`, 303);
  });
}

function barredValue({ id, visitorId, documentNum }: SeenPass, subject: Subject): string | undefined {
  return { person: visitorId, document: documentNum ?? undefined, grant: id }[subject];
}

async function barsOf({ api }: Visit, pass: SeenPass): Promise<readonly SeenBar[]> {
  const values = subjects.flatMap((subject) => barredValue(pass, subject) ?? []);
  const lists = await Promise.all(
    values.map((value) =>
      api.get<{ items: readonly SeenBar[] }>(`${sitePath(pass.site)}/blacklist${query({ value })}`),
    ),
  );
  return lists.flatMap(({ items }) => items.filter(({ subject }) => subjects.includes(subject)));
}

async function barPage(visit: Visit, pass: SeenPass, faults?: FieldFaults) {
  const { words, lang } = visit;
  const { passes } = words;
  const bars = await barsOf(visit, pass);
  const zone = knownZone((await listSites(visit)).find(({ id }) => id === pass.site)?.zone);
  const possible = subjects.filter((subject) => barredValue(pass, subject) !== undefined);
  return (
    <Frame visit={visit} title={passes.bar} at="/passes">
      <h1>{passes.bar}</h1>
      <p>
        <strong>{pass.visitorName}</strong>
      </p>
      <p>{passes.barLead}</p>
      {bars.length > 0 && (
        <Table
          caption={passes.barNow}
          rows={bars}
          columns={[
            { head: passes.barWhat, cell: ({ subject }) => passes.barSubjects[subject] },
            { head: words.common.when, cell: ({ createdAt }) => <Moment iso={createdAt} zone={zone} lang={lang} /> },
            { head: passes.barReason, cell: ({ reason }) => reason ?? "–" },
            {
              head: passes.barLift,
              cell: ({ id }) => (
                <Form
                  action={`/passes/${pass.id}/bar/${id}/lift`}
                  words={words}
                  submit={passes.barLift}
                  tone="secondary"
                  class="row"
                />
              ),
            },
          ]}
        />
      )}
      <Form action={`/passes/${pass.id}/bar`} words={words} faults={faults} submit={passes.barSubmit} tone="danger">
        <Choices
          name="subject"
          label={passes.barWhat}
          words={words}
          faults={faults}
          single
          values={["person"]}
          choices={possible.map((value) => ({ value, label: passes.barSubjects[value] }))}
        />
        <Field
          name="reason"
          label={passes.barReason}
          hint={passes.barReasonHint}
          words={words}
          faults={faults}
          autocomplete="off"
        />
      </Form>
      <p>
        <a href={`/passes/${pass.id}`}>{words.common.back}</a>
      </p>
    </Frame>
  );
}
