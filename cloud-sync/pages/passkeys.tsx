/** Passkeys on the pages: signing in by one, and one's own list. The browser's dialogue needs a script; all else does not. */
import { asset } from "../../web/assets.ts";
import type { PageBook } from "./page-book.tsx";
import { Field } from "./parts/form.tsx";
import { Moment } from "./parts/moments.tsx";
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
  book.post("/account/passkeys/:passkey/remove", "account.self", async (c, visit) => {
    await visit.api.send("DELETE", `/api/me/passkeys/${encodeURIComponent(c.req.param("passkey")!)}`);
    return c.redirect("/account?done=passkey-removed", 303);
  });
}

/** Beside the sign-in's form; the script shows it where the browser knows passkeys. */
export function PasskeySignIn({ words, next }: { words: Words; next: string }) {
  return (
    <form class="sheet" data-passkey="sign-in" data-next={next} data-failed={words.account.passkeyFailed} hidden>
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
              cell: ({ id }) => (
                <form method="post" action={`/account/passkeys/${id}/remove`}>
                  <button type="submit" class="plain">
                    {account.passkeyRemove}
                  </button>
                </form>
              ),
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
