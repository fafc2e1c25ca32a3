/** Makers' accounts that gateways use: how each does, what became of people's access there; a key is given, switched off, taken away, and never shown. */
import type { IntegrationState } from "../access-integrations.ts";
import type { AccessAction } from "../domain/access-log.ts";
import { type SecretName, secretNames } from "../domain/access-providers.ts";
import { may, reachOf } from "../domain/permissions.ts";
import { notFound } from "../routes/shapes.ts";
import { Frame } from "./frame.tsx";
import { type FieldFaults, faultsFrom, query } from "./own-api.ts";
import { FormWords, type PageBook, type PageContext } from "./page-book.tsx";
import { Fault } from "./parts/fault.tsx";
import { Choices, Field, Form, Select } from "./parts/form.tsx";
import { inZone, knownZone, Moment } from "./parts/moments.tsx";
import { Confirmation, Empty, Notice, Table, Tag, type Tone } from "./parts/show.tsx";
import { namesOf } from "./people-names.ts";
import { listDoors, listGateways, listSites } from "./sites.tsx";
import type { Visit } from "./visit.ts";

type Provider = "KISI" | "BRIVO";

interface SeenIntegration {
  readonly id: string;
  readonly site: string;
  readonly gateway: { readonly id: string; readonly name: string };
  readonly provider: Provider;
  readonly isConfigured: boolean;
  readonly isEnabled: boolean;
  readonly configuredAt: string | null;
  readonly configuredBy: string | null;
  readonly secrets: readonly SecretName[];
  readonly state: IntegrationState;
  readonly devices: readonly SeenDevice[];
  readonly credentials: number;
}

interface SeenDevice {
  readonly id: string;
  readonly link: "online" | "offline" | "unknown";
  readonly attention: string | null;
  readonly doors: readonly string[];
}

interface SeenEntry {
  readonly at: string;
  readonly action: AccessAction;
  readonly provider: Provider;
  readonly site: string;
  readonly device: string;
  readonly doors: readonly string[];
  readonly member: { readonly name: string } | null;
  readonly externalCredentialId: string | null;
  readonly why: string | null;
}

const apiPath = "/api/integrations/access";
const makers: Readonly<Record<Provider, string>> = { KISI: "Kisi", BRIVO: "Brivo" };
const pageLength = 25;

const stateTones = {
  "in-use": "good",
  "on-its-way": "warn",
  "give-again": "bad",
  "gateway-revoked": "bad",
  "not-given": "calm",
} as const satisfies Record<IntegrationState, Tone>;
const linkTones = { online: "good", unknown: "warn", offline: "bad" } as const satisfies Record<string, Tone>;
const actionTones = {
  granted: "good",
  revoked: "calm",
  gone: "warn",
  kept: "warn",
  refused: "bad",
  unanswered: "warn",
  missing: "bad",
} as const satisfies Record<AccessAction, Tone>;

const listed = async ({ api }: Visit) =>
  (await api.get<{ items: readonly SeenIntegration[] }>(`${apiPath}/status`)).items;

export function addIntegrationPages(book: PageBook): void {
  book.get("/integrations", "integrations.read", async (c, visit) => c.html(await statusPage(c, visit)));

  book.get("/integrations/new", "integrations.change", async (c, visit) => {
    const given = { gateway: c.req.query("gateway") ?? "", provider: c.req.query("provider") ?? "KISI" };
    return c.html(await newPage(visit, given));
  });

  book.post("/integrations", "integrations.change", async (c, visit) => {
    const form = await FormWords.of(c);
    const given = { gateway: form.text("gateway"), provider: form.text("provider") };
    try {
      await visit.api.send("POST", `${apiPath}/configure`, {
        ...(await placeOf(visit, given.gateway)),
        provider: given.provider,
        ...Object.fromEntries(secretNames.flatMap((name) => (form.exact(name) ? [[name, form.exact(name)]] : []))),
      });
      return c.redirect("/integrations?done=saved", 303);
    } catch (error) {
      return c.html(await newPage(visit, given, faultsFrom(error, { site: "gateway" })), 422);
    }
  });

  book.post("/integrations/:integration/switch", "integrations.change", async (c, visit) => {
    const isEnabled = (await FormWords.of(c)).text("to") === "on";
    const { site, gateway, provider } = await found(visit, c.req.param("integration")!);
    await visit.api.send("POST", `${apiPath}/configure`, { site, gateway: gateway.id, provider, isEnabled });
    return c.redirect("/integrations?done=switched", 303);
  });

  book.get("/integrations/:integration/remove", "integrations.change", async (c, visit) => {
    const { words } = visit;
    const { id, provider, gateway } = await found(visit, c.req.param("integration")!);
    const title = words.integrations.removeTitle(makers[provider], gateway.name);
    return c.html(
      <Frame visit={visit} title={title} at="/integrations">
        <Confirmation
          title={title}
          text={words.integrations.removeText}
          yes={words.integrations.removeYes}
          action={`/integrations/${id}/remove`}
          back="/integrations"
          words={words}
        />
      </Frame>,
    );
  });

  book.post("/integrations/:integration/remove", "integrations.change", async (c, visit) => {
    await visit.api.send("DELETE", `${apiPath}/${encodeURIComponent(c.req.param("integration")!)}`);
    return c.redirect("/integrations?done=removed", 303);
  });
}

/** Throws the 404 of what is not there, or not given here. */
async function found(visit: Visit, id: string): Promise<SeenIntegration> {
  const one = (await listed(visit)).find((integration) => integration.id === id && integration.isConfigured);
  if (!one) throw notFound(`integration ${id}`);
  return one;
}

async function statusPage(c: PageContext, visit: Visit) {
  const { words, api, actor } = visit;
  const { integrations } = words;
  const [items, log, sites, names] = await Promise.all([
    listed(visit),
    api.get<{ items: readonly SeenEntry[]; next: string | null }>(
      `${apiPath}/logs${query({ after: c.req.query("after"), limit: pageLength })}`,
    ),
    listSites(visit),
    namesOf(visit),
  ]);
  const zones = new Map(sites.map(({ id, zone }) => [id, knownZone(zone)]));
  const named = [...new Set([...items, ...log.items].map(({ site }) => site))];
  const doors = (await Promise.all(named.map((site) => listDoors(visit, site)))).flatMap((of, at) =>
    of.map(({ id, name }) => [`${named[at]} ${id}`, name] as const),
  );
  const doorNames = new Map(doors);
  const nameOf = (site: string) => (door: string) => doorNames.get(`${site} ${door}`) ?? door;
  const done = c.req.query("done");
  return (
    <Frame visit={visit} title={integrations.title} at="/integrations">
      <div class="head">
        <h1>{integrations.title}</h1>
        {reachOf(actor!, "integrations.change") !== undefined && (
          <a class="button" href="/integrations/new">
            {integrations.give}
          </a>
        )}
      </div>
      <p>{integrations.lead}</p>
      {(done === "saved" || done === "switched" || done === "removed") && <Notice>{integrations[done]}</Notice>}
      {items.length === 0 && <Empty title={integrations.empty} text={integrations.emptyText} />}
      {items.map((one) => (
        <Integration
          visit={visit}
          one={one}
          zone={zones.get(one.site) ?? "UTC"}
          giver={names.get(one.configuredBy ?? "") ?? one.configuredBy ?? ""}
          doorName={nameOf(one.site)}
        />
      ))}
      <h2>{integrations.log}</h2>
      <p>{integrations.logLead}</p>
      {log.items.length === 0 ? (
        <Empty title={integrations.noLog} text={integrations.noLogText} />
      ) : (
        <Log visit={visit} entries={log.items} zones={zones} nameOf={nameOf} />
      )}
      {log.next && <a href={`/integrations${query({ after: log.next })}`}>{words.common.next}</a>}
    </Frame>
  );
}

interface IntegrationProps {
  readonly visit: Visit;
  readonly one: SeenIntegration;
  readonly zone: string;
  readonly giver: string;
  readonly doorName: (door: string) => string;
}

function Integration({ visit, one, zone, giver, doorName }: IntegrationProps) {
  const { words, lang, actor } = visit;
  const { integrations } = words;
  const { gateway, provider, state, devices, isConfigured, isEnabled, configuredAt } = one;
  const title = `${makers[provider]}: ${gateway.name}`;
  return (
    <article aria-label={title}>
      <div class="head">
        <h2>{title}</h2>
        <span>
          {isConfigured && !isEnabled && <Tag tone="warn">{integrations.off}</Tag>}{" "}
          <Tag tone={stateTones[state]}>{integrations.states[state]}</Tag>
        </span>
      </div>
      <dl class="facts-list">
        <dt>{integrations.given}</dt>
        <dd>
          {configuredAt === null
            ? integrations.notGiven
            : integrations.givenBy(inZone(configuredAt, zone, lang), giver)}
        </dd>
        {isConfigured && (
          <>
            <dt>{integrations.secrets}</dt>
            <dd>{one.secrets.map((name) => integrations[name]).join(", ")}</dd>
          </>
        )}
        <dt>{integrations.credentials}</dt>
        <dd>{integrations.people(one.credentials)}</dd>
      </dl>
      {devices.length === 0 ? (
        <p>{integrations.noDoors}</p>
      ) : (
        <Devices visit={visit} caption={`${title}: ${integrations.doors}`} devices={devices} doorName={doorName} />
      )}
      {may(actor!, "integrations.change", { site: one.site }) && <Actions visit={visit} one={one} title={title} />}
    </article>
  );
}

interface DevicesProps {
  readonly visit: Visit;
  readonly caption: string;
  readonly devices: readonly SeenDevice[];
  readonly doorName: (door: string) => string;
}

function Devices({ visit: { words }, caption, devices, doorName }: DevicesProps) {
  return (
    <Table
      caption={caption}
      rows={devices}
      columns={[
        { head: words.integrations.doors, cell: ({ id, doors }) => doors.map(doorName).join(", ") || id },
        {
          head: words.sites.link,
          cell: ({ link, attention }) => (
            <>
              <Tag tone={linkTones[link]}>{words.sites.links[link]}</Tag>
              {attention !== null && (
                <small class="fine">
                  <Fault text={attention} words={words} />
                </small>
              )}
            </>
          ),
        },
      ]}
    />
  );
}

function Actions({ visit: { words }, one, title }: { visit: Visit; one: SeenIntegration; title: string }) {
  const { integrations } = words;
  const { id, gateway, provider, isConfigured, isEnabled, state } = one;
  const to = `/integrations/new${query({ gateway: gateway.id, provider })}`;
  const give = isConfigured ? integrations.giveAgain : integrations.give;
  return (
    <div class="row">
      {state !== "gateway-revoked" && (
        <a href={to} aria-label={`${give}: ${title}`}>
          {give}
        </a>
      )}
      {isConfigured && state !== "gateway-revoked" && (
        <form method="post" action={`/integrations/${id}/switch`}>
          <button
            type="submit"
            class="secondary"
            name="to"
            value={isEnabled ? "off" : "on"}
            title={integrations.switchHint}
          >
            {isEnabled ? integrations.switchOff : integrations.switchOn}
          </button>
        </form>
      )}
      {isConfigured && (
        <a href={`/integrations/${id}/remove`} aria-label={`${integrations.remove}: ${title}`}>
          {integrations.remove}
        </a>
      )}
    </div>
  );
}

interface LogProps {
  readonly visit: Visit;
  readonly entries: readonly SeenEntry[];
  readonly zones: ReadonlyMap<string, string>;
  readonly nameOf: (site: string) => (door: string) => string;
}

function Log({ visit: { words, lang }, entries, zones, nameOf }: LogProps) {
  const { integrations } = words;
  return (
    <Table
      caption={integrations.log}
      rows={entries}
      columns={[
        { head: integrations.member, cell: ({ member }) => member?.name ?? integrations.forgotten },
        {
          head: words.common.what,
          cell: ({ action, why }) => (
            <>
              <Tag tone={actionTones[action]}>{integrations.actions[action]}</Tag>
              {why !== null && <small class="fine">{integrations.whys[why] ?? why}</small>}
            </>
          ),
        },
        {
          head: integrations.doors,
          cell: ({ provider, site, doors, device }) => (
            <>
              {doors.map(nameOf(site)).join(", ") || device}
              <small class="fine">{makers[provider]}</small>
            </>
          ),
        },
        { head: integrations.reference, cell: ({ externalCredentialId }) => externalCredentialId ?? "–" },
        {
          head: words.common.when,
          cell: ({ at, site }) => <Moment iso={at} zone={zones.get(site) ?? "UTC"} lang={lang} />,
        },
      ]}
    />
  );
}

interface Given {
  readonly gateway: string;
  readonly provider: string;
}

interface Choosable {
  readonly id: string;
  readonly site: string;
  readonly label: string;
}

/** Gateways in service at the visitor's sites. */
async function gatewaysOf(visit: Visit): Promise<readonly Choosable[]> {
  const sites = (await listSites(visit)).filter(({ id }) => may(visit.actor!, "integrations.change", { site: id }));
  const all = await Promise.all(sites.map(async (site) => ({ site, gateways: await listGateways(visit, site.id) })));
  return all.flatMap(({ site, gateways }) =>
    gateways
      .filter(({ state }) => state === "online" || state === "silent")
      .map(({ id, name }) => ({ id, site: site.id, label: sites.length === 1 ? name : `${site.name}: ${name}` })),
  );
}

/** As the API is told it; of one that is no gateway of the visitor's, what it says to that. */
async function placeOf(visit: Visit, gateway: string) {
  const site = (await gatewaysOf(visit)).find(({ id }) => id === gateway)?.site;
  return { ...(site !== undefined && { site }), ...(gateway !== "" && { gateway }) };
}

/** What was typed as a secret is not written into the page again. */
async function newPage(visit: Visit, given: Given, faults?: FieldFaults) {
  const { words } = visit;
  const { integrations } = words;
  const gateways = await gatewaysOf(visit);
  const secret = (name: SecretName, hint: string, required = false) => (
    <Field
      name={name}
      type="password"
      label={integrations[name]}
      hint={hint}
      words={words}
      faults={faults}
      required={required}
      autocomplete="off"
      maxlength={4_096}
      spellcheck={false}
    />
  );
  return (
    <Frame visit={visit} title={integrations.giveTitle} at="/integrations">
      <h1>{integrations.giveTitle}</h1>
      <p>{integrations.giveLead}</p>
      {gateways.length === 0 ? (
        <Empty title={integrations.noGateway} text={integrations.emptyText}>
          <a href="/sites">{words.nav.sites}</a>
        </Empty>
      ) : (
        <Form action="/integrations" words={words} faults={faults} submit={integrations.submit}>
          <Select
            name="gateway"
            label={integrations.gateway}
            words={words}
            faults={faults}
            value={given.gateway}
            choices={gateways.map(({ id, label }) => ({ value: id, label }))}
          />
          <Choices
            name="provider"
            label={integrations.provider}
            words={words}
            faults={faults}
            single
            values={[given.provider]}
            choices={Object.entries(makers).map(([value, label]) => ({ value, label }))}
          />
          {secret("apiKey", integrations.apiKeyHint, true)}
          {secret("clientSecret", integrations.clientSecretHint)}
          {secret("password", integrations.passwordHint)}
          {secret("refreshToken", integrations.refreshTokenHint)}
        </Form>
      )}
    </Frame>
  );
}
