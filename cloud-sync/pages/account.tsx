/** One's own account: language, password, where one is signed in, and the second step at sign-in. */
import { Frame } from "./frame.tsx";
import { type FieldFaults, faultsFrom } from "./own-api.ts";
import { FormWords, type PageBook, type PageContext } from "./page-book.tsx";
import { Field, Form, Select } from "./parts/form.tsx";
import { Moment } from "./parts/moments.tsx";
import { OwnPassword } from "./parts/own-password.tsx";
import { Notice, Qr, Table, Tag } from "./parts/show.tsx";
import { addPasskeyPages, Passkeys, passkeyScript, type SeenPasskey } from "./passkeys.tsx";
import type { Visit } from "./visit.ts";
import { languages } from "./words/words.ts";

interface Me {
  readonly id: string;
  readonly name: string;
  readonly userName: string;
  readonly email: string | null;
  readonly role: keyof Visit["words"]["roles"];
  readonly secondFactor: { readonly totp: boolean; readonly passkeys: number; readonly recoveryCodesLeft: number };
}

interface SeenSession {
  readonly id: string;
  readonly device: string;
  readonly address: string;
  readonly seenAt: string;
  readonly current: boolean;
}

/** What an app scans, as POST /api/me/totp answers it. */
interface TotpStart {
  readonly secret: string;
  /** otpauth://… */
  readonly address: string;
}

export function addAccountPages(book: PageBook): void {
  addPasskeyPages(book);

  book.get("/account", "account.self", async (c, visit) => c.html(await accountPage(c, visit)));

  book.post("/account/language", "account.self", async (c, visit) => {
    await visit.api.send("PATCH", "/api/me", { language: (await FormWords.of(c)).text("language") });
    return c.redirect("/account?done=saved", 303);
  });

  book.post("/account/password", "account.self", async (c, visit) => {
    const form = await FormWords.of(c);
    try {
      await visit.api.send("POST", "/api/me/password", {
        current: form.exact("current"),
        password: form.exact("password"),
      });
      return c.redirect("/account?done=password", 303);
    } catch (error) {
      return c.html(await accountPage(c, visit, faultsFrom(error)), 422);
    }
  });

  book.post("/account/sessions/:session/end", "account.self", async (c, visit) => {
    await visit.api.send("DELETE", `/api/me/sessions/${encodeURIComponent(c.req.param("session")!)}`);
    return c.redirect("/account?done=session", 303);
  });

  book.get("/account/app", "account.self", (c, visit) => c.html(<StartPage visit={visit} />));

  book.post("/account/app", "account.self", async (c, visit) => {
    const password = (await FormWords.of(c)).exact("password");
    try {
      const start = await visit.api.send<TotpStart>("POST", "/api/me/totp", { password });
      return c.html(<ScanPage visit={visit} start={start} />);
    } catch (error) {
      return c.html(<StartPage visit={visit} faults={faultsFrom(error)} />, 422);
    }
  });

  book.post("/account/app/confirm", "account.self", async (c, visit) => {
    const form = await FormWords.of(c);
    const start = { secret: form.text("secret"), address: form.text("address") };
    try {
      const { recoveryCodes } = await visit.api.send<{ recoveryCodes: readonly string[] }>(
        "POST",
        "/api/me/totp/confirm",
        { code: form.text("code").replaceAll(/\s/g, "") },
      );
      return c.html(<RecoveryPage visit={visit} codes={recoveryCodes} />);
    } catch (error) {
      return c.html(<ScanPage visit={visit} start={start} faults={faultsFrom(error)} />, 422);
    }
  });

  book.get("/account/app/remove", "account.self", (c, visit) => c.html(<RemovePage visit={visit} />));

  book.post("/account/app/remove", "account.self", async (c, visit) => {
    const password = (await FormWords.of(c)).exact("password");
    try {
      await visit.api.send("POST", "/api/me/totp/remove", { password });
      return c.redirect("/account?done=app", 303);
    } catch (error) {
      return c.html(<RemovePage visit={visit} faults={faultsFrom(error)} />, 422);
    }
  });
}

function newsOf(c: PageContext, { words: { account, common } }: Visit): string | undefined {
  const told: Readonly<Record<string, string>> = {
    saved: common.saved,
    password: account.passwordChanged,
    session: account.sessionEnded,
    app: account.totpRemoved,
    passkey: account.passkeyAdded,
    "passkey-removed": account.passkeyRemoved,
  };
  return told[c.req.query("done") ?? ""];
}

async function accountPage(c: PageContext, visit: Visit, faults?: FieldFaults) {
  const { words, lang, api } = visit;
  const { account } = words;
  const [me, { items: sessions }, { items: passkeys }] = await Promise.all([
    api.get<Me>("/api/me"),
    api.get<{ items: readonly SeenSession[] }>("/api/me/sessions"),
    api.get<{ items: readonly SeenPasskey[] }>("/api/me/passkeys"),
  ]);
  const news = newsOf(c, visit);
  return (
    <Frame visit={visit} title={account.title} at="/account" scripts={[passkeyScript.url]}>
      <h1>{account.title}</h1>
      <p>
        {me.name} <small>{words.roles[me.role]}</small>
      </p>
      {visit.actor?.person?.needsSecondFactor && <Notice tone="warn">{account.factorNeeded}</Notice>}
      {news && <Notice>{news}</Notice>}
      <h2>{account.factors}</h2>
      <p>{account.factorsLead}</p>
      <p>
        <Tag tone={me.secondFactor.totp ? "good" : "warn"}>
          {me.secondFactor.totp ? account.totpOn : account.totpOff}
        </Tag>
      </p>
      {me.secondFactor.totp ? (
        <p>
          <a href="/account/app/remove">{account.totpRemove}</a>
        </p>
      ) : (
        <p>
          <a class="button" href="/account/app">
            {account.totpStart}
          </a>
        </p>
      )}
      <Passkeys visit={visit} passkeys={passkeys} />
      <h2>{words.notices.title}</h2>
      <p>{words.notices.lead}</p>
      <p>
        <a href="/account/notices">{words.notices.title}</a>
      </p>
      <h2>{account.language}</h2>
      <Form action="/account/language" words={words} submit={words.common.save}>
        <Select
          name="language"
          label={account.language}
          words={words}
          value={lang}
          choices={Object.entries(languages).map(([value, { language }]) => ({ value, label: language }))}
        />
      </Form>
      <h2>{account.password}</h2>
      <Form action="/account/password" words={words} faults={faults} submit={account.passwordSubmit}>
        <Field
          name="current"
          type="password"
          label={account.passwordNow}
          words={words}
          faults={faults}
          required
          autocomplete="current-password"
        />
        <Field
          name="password"
          type="password"
          label={account.passwordNew}
          hint={words.welcome.passwordHint}
          words={words}
          faults={faults}
          required
          autocomplete="new-password"
        />
      </Form>
      <h2>{account.data}</h2>
      <p>{account.dataLead}</p>
      <p>
        <a href="/api/me/personal-data" download="my-data.json">
          {account.dataSubmit}
        </a>
      </p>
      <h2>{account.sessions}</h2>
      <Table
        caption={account.sessions}
        rows={sessions}
        columns={[
          { head: account.device, cell: ({ device }) => device },
          { head: account.address, cell: ({ address }) => address },
          { head: account.seen, cell: ({ seenAt }) => <Moment iso={seenAt} zone="UTC" lang={lang} /> },
          {
            head: words.common.state,
            cell: ({ id, device, current }) =>
              current ? (
                <Tag tone="good">{account.thisSession}</Tag>
              ) : (
                <form method="post" action={`/account/sessions/${id}/end`}>
                  <button type="submit" class="plain" aria-label={`${account.endSession}: ${device}`}>
                    {account.endSession}
                  </button>
                </form>
              ),
          },
        ]}
      />
      <p>
        <small>{words.common.timesIn("UTC")}</small>
      </p>
    </Frame>
  );
}

function ScanPage({ visit, start, faults }: { visit: Visit; start: TotpStart; faults?: FieldFaults }) {
  const { words } = visit;
  const { account } = words;
  return (
    <Frame visit={visit} title={account.totpStart} at="/account">
      <h1>{account.totpStart}</h1>
      <p>{account.totpScan}</p>
      <Qr text={start.address} words={words} />
      <p>
        {account.totpKey}: <code>{start.secret}</code>
      </p>
      <Form action="/account/app/confirm" words={words} faults={faults} submit={account.totpConfirm}>
        <input type="hidden" name="secret" value={start.secret} />
        <input type="hidden" name="address" value={start.address} />
        <Field
          name="code"
          label={account.totpCode}
          words={words}
          faults={faults}
          required
          inputmode="numeric"
          autocomplete="one-time-code"
        />
      </Form>
    </Frame>
  );
}

function RecoveryPage({ visit, codes }: { visit: Visit; codes: readonly string[] }) {
  const { words } = visit;
  const { account } = words;
  return (
    <Frame visit={visit} title={account.recoveryTitle} at="/account">
      <h1>{account.recoveryTitle}</h1>
      <p>{account.recoveryLead}</p>
      <ul class="secret">
        {codes.map((code) => (
          <li>
            <code>{code}</code>
          </li>
        ))}
      </ul>
      <p>
        <small>{words.common.onceOnly}</small>
      </p>
      <p>
        <a class="button" href="/">
          {account.recoveryDone}
        </a>
      </p>
    </Frame>
  );
}

interface PasswordPageProps {
  readonly visit: Visit;
  readonly faults?: FieldFaults;
}

function StartPage({ visit, faults }: PasswordPageProps) {
  const { words } = visit;
  return (
    <Frame visit={visit} title={words.account.totpStart} at="/account">
      <h1>{words.account.totpStart}</h1>
      <p>{words.account.factorsLead}</p>
      <Form action="/account/app" words={words} faults={faults} submit={words.common.goOn}>
        <OwnPassword words={words} faults={faults} />
      </Form>
    </Frame>
  );
}

function RemovePage({ visit, faults }: PasswordPageProps) {
  const { words } = visit;
  const { account } = words;
  return (
    <Frame visit={visit} title={account.totpRemoveTitle} at="/account">
      <h1>{account.totpRemoveTitle}</h1>
      <p>{account.totpRemoveText}</p>
      <Form action="/account/app/remove" words={words} faults={faults} submit={account.totpRemove} tone="danger">
        <OwnPassword words={words} faults={faults} />
      </Form>
      <p>
        <a href="/account">{words.common.cancel}</a>
      </p>
    </Frame>
  );
}
