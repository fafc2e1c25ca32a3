/** Where one-time links lead: the first administrator's account, and the choice of a password. The token stands behind "#" and reaches no log. */
import { HttpProblem } from "../../web/problem.ts";
import { Frame } from "./frame.tsx";
import { type FieldFaults, faultsFrom } from "./own-api.ts";
import { FormWords, type PageBook } from "./page-book.tsx";
import { Field, Form } from "./parts/form.tsx";
import type { Visit } from "./visit.ts";

interface Given {
  readonly token: string;
  readonly name: string;
  readonly userName: string;
  readonly email: string;
}

export function addLinkPages(book: PageBook): void {
  book.get("/first-admin", "everybody", (c, visit) => c.html(<FirstAdmin visit={visit} />));

  book.post("/first-admin", "everybody", async (c, visit) => {
    const form = await FormWords.of(c);
    const given = {
      token: form.text("token"),
      name: form.text("name"),
      userName: form.text("userName"),
      email: form.text("email"),
    };
    try {
      await visit.api.send("POST", "/auth/first-admin", {
        token: given.token,
        name: given.name,
        userName: given.userName,
        ...(given.email !== "" && { email: given.email }),
        password: form.exact("password"),
        language: visit.lang,
      });
      return c.redirect("/sign-in?done=account", 303);
    } catch (error) {
      return c.html(<FirstAdmin visit={visit} given={given} faults={linkFaults(visit, error)} />, 422);
    }
  });

  book.get("/link", "everybody", (c, visit) => c.html(<SetPassword visit={visit} />));

  book.post("/link", "everybody", async (c, visit) => {
    const form = await FormWords.of(c);
    const token = form.text("token");
    try {
      await visit.api.send("POST", "/auth/link/password", { token, password: form.exact("password") });
      return c.redirect("/sign-in?done=password", 303);
    } catch (error) {
      return c.html(<SetPassword visit={visit} token={token} faults={linkFaults(visit, error)} />, 422);
    }
  });
}

/** A link that is used up is told above the form. */
function linkFaults({ words }: Visit, error: unknown): FieldFaults {
  const isSpent = error instanceof HttpProblem && error.code === "unknown-link";
  return isSpent ? { "": { own: words.welcome.linkUsed } } : faultsFrom(error);
}

function Token({
  visit: { words },
  token,
  faults,
}: {
  visit: Visit;
  token?: string | undefined;
  faults?: FieldFaults | undefined;
}) {
  return (
    <Field
      name="token"
      label={words.welcome.token}
      hint={words.welcome.tokenHint}
      words={words}
      faults={faults}
      value={token}
      required
      autocomplete="off"
      spellcheck={false}
      fromFragment
    />
  );
}

function NewPassword({ visit: { words }, faults }: { visit: Visit; faults?: FieldFaults | undefined }) {
  return (
    <Field
      name="password"
      type="password"
      label={words.welcome.password}
      hint={words.welcome.passwordHint}
      words={words}
      faults={faults}
      required
      autocomplete="new-password"
    />
  );
}

function FirstAdmin({ visit, given, faults }: { visit: Visit; given?: Given; faults?: FieldFaults }) {
  const { words } = visit;
  const shared = { words, faults, required: true } as const;
  return (
    <Frame visit={visit} title={words.welcome.title}>
      <h1>{words.welcome.title}</h1>
      <p>{words.welcome.lead}</p>
      <Form action="/first-admin" words={words} faults={faults} submit={words.welcome.submit}>
        <Token visit={visit} token={given?.token} faults={faults} />
        <Field {...shared} name="name" label={words.welcome.name} value={given?.name} autocomplete="name" />
        <Field
          {...shared}
          name="userName"
          label={words.welcome.userName}
          value={given?.userName}
          autocomplete="username"
          spellcheck={false}
        />
        <Field
          {...shared}
          required={false}
          name="email"
          type="email"
          label={words.welcome.email}
          value={given?.email}
          autocomplete="email"
        />
        <NewPassword visit={visit} faults={faults} />
      </Form>
    </Frame>
  );
}

function SetPassword({ visit, token, faults }: { visit: Visit; token?: string; faults?: FieldFaults }) {
  const { words } = visit;
  return (
    <Frame visit={visit} title={words.setPassword.title}>
      <h1>{words.setPassword.title}</h1>
      <p>{words.setPassword.lead}</p>
      <Form action="/link" words={words} faults={faults} submit={words.setPassword.submit}>
        <Token visit={visit} token={token} faults={faults} />
        <NewPassword visit={visit} faults={faults} />
      </Form>
    </Frame>
  );
}
