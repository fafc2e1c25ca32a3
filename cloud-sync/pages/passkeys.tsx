/** Passkeys on the pages: signing in by one, and one's own list. The browser's dialogue needs a script; all else does not. */
import { asset } from "../../web/assets.ts";
import { notFound } from "../routes/shapes.ts";
import { Frame } from "./frame.tsx";
import { KeptField } from "./kept-form.tsx";
import { type FieldFaults, faultsFrom } from "./own-api.ts";
import { FormWords, type PageBook } from "./page-book.tsx";
import { Field, Form } from "./parts/form.tsx";
import { Moment } from "./parts/moments.tsx";
import { OwnPassword } from "./parts/own-password.tsx";
import { Table } from "./parts/show.tsx";
import type { Visit } from "./visit.ts";
import type { Words } from "./words/words.ts";

export const passkeyScript = asset(import.meta.resolve("./assets/passkeys.js"));

export interface SeenPasskey {
  readonly id: string;
  readonly name: string;
  readonly createdAt: string;
}

export function addPasskeyPages(book: PageBook): void {
  book.get("/account/passkeys/:passkey/remove", "account.self", async (c, visit) => {
    const passkey = await ownPasskey(visit, c.req.param("passkey"));
    return c.html(<RemovePage visit={visit} passkey={passkey} />);
  });

  book.post("/account/passkeys/:passkey/remove", "account.self", async (c, visit) => {
    const passkey = await ownPasskey(visit, c.req.param("passkey"));
    const password = (await FormWords.of(c)).exact("password");
    try {
      await visit.api.send("POST", `/api/me/passkeys/${encodeURIComponent(passkey.id)}/remove`, { password });
      return c.redirect("/account?done=passkey-removed", 303);
    } catch (error) {
      return c.html(<RemovePage visit={visit} passkey={passkey} faults={faultsFrom(error)} />, 422);
    }
  });
}

/** Throws the 404 of one that is not the visitor's. */
async function ownPasskey({ api }: Visit, id: string | undefined): Promise<SeenPasskey> {
  const { items } = await api.get<{ items: readonly SeenPasskey[] }>("/api/me/passkeys");
  const found = items.find((one) => one.id === id);
  if (!found) throw notFound("such passkey of yours");
  return found;
}

function RemovePage({ visit, passkey, faults }: { visit: Visit; passkey: SeenPasskey; faults?: FieldFaults }) {
  const { words } = visit;
  const title = words.account.passkeyRemoveTitle(passkey.name);
  return (
    <Frame visit={visit} title={title} at="/account">
      <h1>{title}</h1>
      <p>{words.account.passkeyRemoveText}</p>
      <Form
        action={`/account/passkeys/${passkey.id}/remove`}
        words={words}
        faults={faults}
        submit={words.account.passkeyRemove}
        tone="danger"
      >
        <OwnPassword words={words} faults={faults} />
      </Form>
      <p>
        <a href="/account">{words.common.cancel}</a>
      </p>
    </Frame>
  );
}

/** Beside the sign-in's form; the script shows it where the browser knows passkeys. */
export function PasskeySignIn({ words, next, kept }: { words: Words; next: string; kept: string }) {
  return (
    <form class="sheet" data-passkey="sign-in" data-next={next} data-failed={words.account.passkeyFailed} hidden>
      <KeptField kept={kept} />
      <p class="fault" role="alert" />
      <button type="submit" class="secondary">
        {words.signIn.passkey}
      </button>
    </form>
  );
}

export function Passkeys({ visit: { words, lang }, passkeys }: { visit: Visit; passkeys: readonly SeenPasskey[] }) {
  const { account } = words;
  return (
    <>
      <h2>{account.passkeys}</h2>
      <p>{account.passkeysLead}</p>
      {passkeys.length === 0 ? (
        <p>{account.passkeyNone}</p>
      ) : (
        <Table
          caption={account.passkeys}
          rows={passkeys}
          columns={[
            { head: words.common.name, cell: ({ name }) => name },
            { head: words.common.when, cell: ({ createdAt }) => <Moment iso={createdAt} zone="UTC" lang={lang} /> },
            {
              head: account.passkeyRemove,
              cell: ({ id }) => <a href={`/account/passkeys/${id}/remove`}>{account.passkeyRemove}</a>,
            },
          ]}
        />
      )}
      <form class="sheet" method="post" data-passkey="add" data-failed={account.passkeyFailed} hidden>
        <p class="fault" role="alert" />
        <Field id="passkey-name" name="name" label={account.passkeyName} words={words} required autocomplete="off" />
        <Field
          id="passkey-password"
          name="password"
          type="password"
          label={account.passwordNow}
          words={words}
          required
          autocomplete="current-password"
        />
        <button type="submit">{account.passkeyAdd}</button>
      </form>
    </>
  );
}
