/** Sites and their gateways: what each has confirmed, since when it is silent, its devices and doors; adding, enrolling, revoking. */
import { reachOf } from "../domain/permissions.ts";
import { Frame } from "./frame.tsx";
import { type FieldFaults, faultsFrom } from "./own-api.ts";
import { FormWords, type PageBook } from "./page-book.tsx";
import { EnrolmentCode, type GivenCode } from "./parts/enrolment-code.tsx";
import { Field, Form, OnceKey } from "./parts/form.tsx";
import { knownZone, Moment } from "./parts/moments.tsx";
import { Confirmation, Empty, Notice, Table, Tag, type Tone } from "./parts/show.tsx";
import type { Visit } from "./visit.ts";
import type { Words } from "./words/words.ts";

export interface SeenSite {
  readonly id: string;
  readonly name: string;
  readonly zone: string;
  readonly signedPasses: boolean;
}

export interface SeenGateway {
  readonly id: string;
  readonly name: string;
  readonly state: "waiting" | "online" | "silent" | "revoked";
  readonly seenAt: string | null;
  readonly silentSince: string | null;
  readonly confirmedVersion: number | null;
  readonly siteVersion: number;
  readonly upToDate: boolean;
  readonly version: string | null;
  readonly devices: readonly {
    readonly id: string;
    readonly link: "online" | "offline" | "unknown";
    readonly battery?: number;
  }[];
}

export interface SeenDoor {
  readonly id: string;
  readonly name: string;
  readonly gateway: string;
  readonly goneAt: string | null;
  readonly lock: string | null;
  readonly codes: object | null;
}

interface Items<T> {
  readonly items: readonly T[];
}

export const listSites = async ({ api }: Visit): Promise<readonly SeenSite[]> =>
  (await api.get<Items<SeenSite>>("/api/sites")).items;
export const sitePath = (site: string) => `/api/sites/${encodeURIComponent(site)}`;
export const listGateways = async ({ api }: Visit, site: string): Promise<readonly SeenGateway[]> =>
  (await api.get<Items<SeenGateway>>(`${sitePath(site)}/gateways`)).items;
export const listDoors = async ({ api }: Visit, site: string): Promise<readonly SeenDoor[]> =>
  (await api.get<Items<SeenDoor>>(`${sitePath(site)}/access-points`)).items;

const gatewayTones = { waiting: "warn", online: "good", silent: "bad", revoked: "bad" } as const satisfies Record<
  string,
  Tone
>;
const linkTones = { online: "good", unknown: "warn", offline: "bad" } as const satisfies Record<string, Tone>;
const lowBatteryPercent = 20;

export function addSitePages(book: PageBook): void {
  book.get("/sites", "gateways.read", async (c, visit) => {
    const sites = await listSites(visit);
    const { words } = visit;
    const mayAdd = reachOf(visit.actor!, "sites.create") !== undefined;
    return c.html(
      <Frame visit={visit} title={words.sites.title} at="/sites">
        <div class="head">
          <h1>{words.sites.title}</h1>
          {mayAdd && (
            <span class="row">
              <a href="/set-up">{words.nav.setUp}</a>
              <a class="button" href="/sites/new">
                {words.sites.make}
              </a>
            </span>
          )}
        </div>
        {sites.length === 0 ? (
          <Empty title={words.sites.empty} text={words.sites.emptyText} />
        ) : (
          <Table
            caption={words.sites.title}
            rows={sites}
            columns={[
              { head: words.sites.name, cell: ({ id, name }) => <a href={`/sites/${id}`}>{name}</a> },
              { head: words.sites.id, cell: ({ id }) => id },
              { head: words.sites.zone, cell: ({ zone }) => zone },
            ]}
          />
        )}
      </Frame>,
    );
  });

  book.get("/sites/new", "sites.create", (c, visit) => c.html(<NewSite visit={visit} />));

  book.post("/sites", "sites.create", async (c, visit) => {
    const form = await FormWords.of(c);
    const given = { id: form.text("id"), name: form.text("name"), zone: form.text("zone") };
    try {
      const site = await visit.api.send<SeenSite>("POST", "/api/sites", given);
      return c.redirect(form.text("then") === "set-up" ? "/set-up" : `/sites/${site.id}`, 303);
    } catch (error) {
      return c.html(<NewSite visit={visit} faults={faultsFrom(error)} given={given} />, 422);
    }
  });

  book.get("/sites/:site", "gateways.read", async (c, visit) =>
    c.html(await sitePage(visit, c.req.param("site")!, { done: c.req.query("done") })),
  );

  book.post("/sites/:site/signed-passes", "sites.change", async (c, visit) => {
    const site = c.req.param("site")!;
    const to = (await FormWords.of(c)).text("to");
    await visit.api.send("PATCH", sitePath(site), { signedPasses: to });
    const done = signedPasses.find((one) => one === to) ?? "on";
    return c.redirect(`/sites/${site}?done=signed-${done}`, 303);
  });

  book.post("/sites/:site/gateways", "gateways.change", async (c, visit) => {
    const site = c.req.param("site")!;
    const form = await FormWords.of(c);
    try {
      const code = await visit.api.send<GivenCode>(
        "POST",
        `${sitePath(site)}/gateways`,
        { name: form.text("name") },
        form.onceKey(),
      );
      return c.html(await enrolmentPage(visit, site, code, form.text("then")));
    } catch (error) {
      const faults = faultsFrom(error);
      return c.html(await sitePage(visit, site, { faults, name: form.text("name") }), 422);
    }
  });

  book.post("/sites/:site/gateways/:gateway/enrolment-codes", "gateways.change", async (c, visit) => {
    const { site, gateway } = c.req.param() as { site: string; gateway: string };
    const form = await FormWords.of(c);
    const path = `${sitePath(site)}/gateways/${encodeURIComponent(gateway)}/enrolment-codes`;
    return c.html(await enrolmentPage(visit, site, await visit.api.send<GivenCode>("POST", path), form.text("then")));
  });

  book.get("/sites/:site/gateways/:gateway/revoke", "gateways.change", async (c, visit) => {
    const { site, gateway } = c.req.param() as { site: string; gateway: string };
    const { name } = await visit.api.get<SeenGateway>(`${sitePath(site)}/gateways/${encodeURIComponent(gateway)}`);
    const { words } = visit;
    return c.html(
      <Frame visit={visit} title={words.sites.revokeTitle(name)} at="/sites">
        <Confirmation
          title={words.sites.revokeTitle(name)}
          text={words.sites.revokeText}
          yes={words.sites.revokeYes}
          action={`/sites/${site}/gateways/${gateway}/revoke`}
          back={`/sites/${site}`}
          words={words}
        />
      </Frame>,
    );
  });

  book.post("/sites/:site/gateways/:gateway/revoke", "gateways.change", async (c, visit) => {
    const { site, gateway } = c.req.param() as { site: string; gateway: string };
    await visit.api.send("POST", `${sitePath(site)}/gateways/${encodeURIComponent(gateway)}/revoke`);
    return c.redirect(`/sites/${site}?done=revoked`, 303);
  });
}

/** As the button says. */
const signedPasses = ["on", "off", "new-key"] as const;

function SignedPasses({ site: { id, signedPasses: isOn }, words }: { site: SeenSite; words: Words }) {
  const { signed } = words.sites;
  const press = (to: (typeof signedPasses)[number]) => (
    <Form action={`/sites/${id}/signed-passes`} words={words} submit={signed.press[to]} tone="secondary" class="row">
      <input type="hidden" name="to" value={to} />
    </Form>
  );
  return (
    <section aria-labelledby="signed-passes">
      <h2 id="signed-passes">{signed.title}</h2>
      <p>{isOn ? signed.isOn : signed.isOff}</p>
      {isOn ? (
        <>
          {press("new-key")}
          {press("off")}
        </>
      ) : (
        press("on")
      )}
    </section>
  );
}

interface GivenSite {
  readonly id: string;
  readonly name: string;
  readonly zone: string;
}

function NewSite({ visit, faults, given }: { visit: Visit; faults?: FieldFaults; given?: GivenSite }) {
  const { words } = visit;
  return (
    <Frame visit={visit} title={words.sites.makeTitle} at="/sites">
      <h1>{words.sites.makeTitle}</h1>
      <Form action="/sites" words={words} faults={faults} submit={words.sites.submit}>
        <SiteFields words={words} faults={faults} given={given} />
      </Form>
    </Frame>
  );
}

export function SiteFields({
  words,
  faults,
  given,
}: {
  words: Words;
  faults?: FieldFaults | undefined;
  given?: GivenSite | undefined;
}) {
  return (
    <>
      <Field name="name" label={words.sites.name} words={words} faults={faults} value={given?.name} required />
      <Field
        name="id"
        label={words.sites.id}
        hint={words.sites.idHint}
        words={words}
        faults={faults}
        value={given?.id}
        required
        spellcheck={false}
      />
      <Field
        name="zone"
        label={words.sites.zone}
        hint={words.sites.zoneHint}
        words={words}
        faults={faults}
        value={given?.zone}
        required
        ownZone
      />
    </>
  );
}

async function enrolmentPage(visit: Visit, site: string, code: GivenCode, then: string) {
  const { words } = visit;
  const { zone } = await visit.api.get<SeenSite>(sitePath(site));
  const isSetUp = then === "set-up";
  return (
    <Frame visit={visit} title={words.sites.enrolTitle} at="/sites">
      <h1>{words.sites.enrolTitle}</h1>
      <EnrolmentCode code={code} zone={knownZone(zone)} lang={visit.lang} words={words} />
      <p>
        <a class="button" href={isSetUp ? "/set-up" : `/sites/${site}`}>
          {isSetUp ? words.setUp.next : words.common.back}
        </a>
      </p>
    </Frame>
  );
}

interface SiteNews {
  readonly done?: string | undefined;
  readonly faults?: FieldFaults;
  readonly name?: string;
}

async function sitePage(visit: Visit, id: string, { done, faults, name }: SiteNews) {
  const { words, lang } = visit;
  const [site, gateways, doors] = await Promise.all([
    visit.api.get<SeenSite>(sitePath(id)),
    listGateways(visit, id),
    listDoors(visit, id),
  ]);
  const zone = knownZone(site.zone);
  const mayChange = reachOf(visit.actor!, "gateways.change") !== undefined;
  return (
    <Frame visit={visit} title={site.name} at="/sites">
      <h1>{site.name}</h1>
      <p>
        <small>{words.common.timesIn(zone)}</small>
      </p>
      {done === "revoked" && <Notice>{words.sites.revoked}</Notice>}
      {signedPasses.map((to) => done === `signed-${to}` && <Notice>{words.sites.signed.done[to]}</Notice>)}
      <h2>{words.sites.gateways}</h2>
      {gateways.length === 0 ? (
        <Empty title={words.sites.gatewayEmpty} text={words.sites.gatewayEmptyText} />
      ) : (
        gateways.map((gateway) => (
          <Gateway gateway={gateway} site={id} zone={zone} mayChange={mayChange} visit={visit} />
        ))
      )}
      {mayChange && (
        <>
          <h3>{words.sites.gatewayMake}</h3>
          <Form action={`/sites/${id}/gateways`} words={words} faults={faults} submit={words.sites.gatewaySubmit}>
            <OnceKey />
            <Field name="name" label={words.sites.gatewayName} words={words} faults={faults} value={name} required />
          </Form>
        </>
      )}
      <h2>{words.sites.doors}</h2>
      {doors.length === 0 ? (
        <Empty title={words.sites.doorsEmpty} text={words.sites.doorsEmptyText} />
      ) : (
        <Table
          caption={words.sites.doors}
          rows={doors}
          columns={[
            { head: words.common.name, cell: (door) => door.name },
            { head: words.sites.lock, cell: (door) => door.lock ?? "–" },
            {
              head: words.sites.codesRule,
              cell: (door) => (door.codes ? words.sites.keeps : words.sites.gatewayDecides),
            },
            {
              head: words.common.state,
              cell: ({ goneAt }) => (goneAt === null ? "–" : <Moment iso={goneAt} zone={zone} lang={lang} />),
            },
          ]}
        />
      )}
      {reachOf(visit.actor!, "sites.change") !== undefined && <SignedPasses site={site} words={words} />}
    </Frame>
  );
}

interface GatewayProps {
  readonly gateway: SeenGateway;
  readonly site: string;
  readonly zone: string;
  readonly mayChange: boolean;
  readonly visit: Visit;
}

function Gateway({ gateway, site, zone, mayChange, visit: { words, lang } }: GatewayProps) {
  const { id, name, state, seenAt, silentSince, devices } = gateway;
  return (
    <article aria-label={name}>
      <div class="head">
        <h3>{name}</h3>
        <Tag tone={gatewayTones[state]}>{words.sites.states[state]}</Tag>
      </div>
      <dl class="facts-list">
        <dt>{words.sites.confirmed}</dt>
        <dd>
          {gateway.upToDate
            ? words.sites.upToDate
            : gateway.confirmedVersion === null
              ? words.sites.nothingYet
              : words.sites.behind(gateway.confirmedVersion, gateway.siteVersion)}
        </dd>
        <dt>{words.sites.seen}</dt>
        <dd>{seenAt ? <Moment iso={seenAt} zone={zone} lang={lang} /> : words.common.never}</dd>
        {silentSince && (
          <>
            <dt>{words.sites.silentSince}</dt>
            <dd>
              <Moment iso={silentSince} zone={zone} lang={lang} />
            </dd>
          </>
        )}
      </dl>
      {devices.length === 0 ? (
        <p>{words.sites.noDevices}</p>
      ) : (
        <Table
          caption={words.sites.devices}
          rows={devices}
          columns={[
            { head: words.sites.devices, cell: (device) => device.id },
            {
              head: words.sites.link,
              cell: ({ link }) => <Tag tone={linkTones[link]}>{words.sites.links[link]}</Tag>,
            },
            {
              head: words.sites.battery,
              cell: ({ battery }) =>
                battery === undefined ? (
                  "–"
                ) : battery > lowBatteryPercent ? (
                  `${battery} %`
                ) : (
                  <Tag tone="warn">{battery} %</Tag>
                ),
            },
          ]}
        />
      )}
      {mayChange && state !== "revoked" && (
        <div class="row">
          <form method="post" action={`/sites/${site}/gateways/${id}/enrolment-codes`}>
            <button type="submit" class="secondary" aria-label={`${words.sites.renew}: ${name}`}>
              {words.sites.renew}
            </button>
          </form>
          <a href={`/sites/${site}/gateways/${id}/revoke`} aria-label={`${words.sites.revoke}: ${name}`}>
            {words.sites.revoke}
          </a>
        </div>
      )}
    </article>
  );
}
