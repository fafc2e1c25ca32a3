/** Somebody has lost the phone: an administrator takes the second step off the account, after a question. */
import { Frame } from "./frame.tsx";
import { faultsFrom } from "./own-api.ts";
import type { PageBook } from "./page-book.tsx";
import { Confirmation } from "./parts/show.tsx";
import { personPage, personPath, type SeenPerson } from "./person.tsx";

export function addSecondFactorPages(book: PageBook): void {
  book.get("/people/:person/second-factor", "people.change", async (c, visit) => {
    const { id, name } = await visit.api.get<SeenPerson>(personPath(c));
    const { words } = visit;
    return c.html(
      <Frame visit={visit} title={words.people.factorTitle(name)} at="/people">
        <Confirmation
          title={words.people.factorTitle(name)}
          text={words.people.factorText}
          yes={words.people.factorYes}
          action={`/people/${id}/second-factor`}
          back={`/people/${id}`}
          words={words}
        />
      </Frame>,
    );
  });

  book.post("/people/:person/second-factor", "people.change", async (c, visit) => {
    try {
      await visit.api.send("DELETE", `${personPath(c)}/second-factor`);
      return c.redirect(`/people/${c.req.param("person")}?done=factor`, 303);
    } catch (error) {
      return c.html(await personPage(c, visit, faultsFrom(error, { person: "" })), 422);
    }
  });
}
