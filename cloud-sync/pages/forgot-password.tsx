/** Whoever has forgotten the password: a link by mail where the service sends mail, else whom to ask. */
import { Frame } from "./frame.tsx";
import { type FieldFaults, faultsFrom } from "./own-api.ts";
import { FormWords, type PageBook } from "./page-book.tsx";
import { Field, Form } from "./parts/form.tsx";
import { Notice } from "./parts/show.tsx";
import type { Visit } from "./visit.ts";

export function addForgotPasswordPages(book: PageBook): void {
  book.get("/forgot-password", "everybody", (c, visit) =>
    c.html(<Forgot visit={visit} sends={book.sendsMail} isTaken={c.req.query("done") === "asked"} />),
  );

  book.post("/forgot-password", "everybody", async (c, visit) => {
    const email = (await FormWords.of(c)).text("email");
    try {
      await visit.api.send("POST", "/auth/forgot-password", { email });
      return c.redirect("/forgot-password?done=asked", 303);
    } catch (error) {
      const faults = faultsFrom(error);
      return c.html(<Forgot visit={visit} sends={book.sendsMail} email={email} faults={faults} />, 422);
    }
  });
}

interface ForgotProps {
  readonly visit: Visit;
  readonly sends: boolean;
  readonly isTaken?: boolean;
  readonly email?: string;
  readonly faults?: FieldFaults;
}

function Forgot({ visit, sends, isTaken = false, email, faults }: ForgotProps) {
  const { words } = visit;
  const { forgot } = words;
  return (
    <Frame visit={visit} title={forgot.title}>
      <h1>{forgot.title}</h1>
      {sends && isTaken && <Notice>{forgot.taken}</Notice>}
      {sends && !isTaken && (
        <>
          <p>{forgot.lead}</p>
          <Form action="/forgot-password" words={words} faults={faults} submit={forgot.submit}>
            <Field
              name="email"
              type="email"
              label={forgot.email}
              words={words}
              faults={faults}
              value={email}
              required
              autocomplete="email"
            />
          </Form>
        </>
      )}
      <p>{sends ? forgot.without : forgot.noMail}</p>
      <p>
        <a href="/sign-in">{forgot.back}</a>
      </p>
    </Frame>
  );
}
