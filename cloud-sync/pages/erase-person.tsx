/** Somebody asks to be forgotten: an administrator erases the account, after a question. */
import { Frame } from "./frame.tsx";
import { faultsFrom } from "./own-api.ts";
import type { PageBook } from "./page-book.tsx";
import { Confirmation } from "./parts/show.tsx";
import { personPage, personPath, type SeenPerson } from "./person.tsx";

export function addErasePages(book: PageBook): void {
  book.get("/people/:person/erase", "people.erase", async (c, visit) => {
    const { id, name } = await visit.api.get<SeenPerson>(personPath(c));
    const { words } = visit;
    return c.html(
      <Frame visit={visit} title={words.people.eraseTitle(name)} at="/people">
        <Confirmation
          title={words.people.eraseTitle(name)}
          text={words.people.eraseText}
          yes={words.people.eraseYes}
          action={`/people/${id}/erase`}
          back={`/people/${id}`}
          words={words}
        />
      </Frame>,
    );
  });

  book.post("/people/:person/erase", "people.erase", async (c, visit) => {
    // Whoever pressed the button has read on the page whom it is about.
    const { userName } = await visit.api.get<SeenPerson>(personPath(c));
    try {
      await visit.api.send("POST", `${personPath(c)}/erase`, { userName });
      return c.redirect(`/people/${c.req.param("person")}`, 303);
    } catch (error) {
      return c.html(await personPage(c, visit, faultsFrom(error, { person: "" })), 422);
    }
  });
}
