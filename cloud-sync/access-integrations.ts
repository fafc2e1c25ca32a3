/**
 * Makers' accounts that gateways use, as whoever runs a site sees them: given once, sealed at once to the gateway and never told again, switched,
 * taken away; and what became of people's credentials there. The API and the pages both call these; who may do what is asked here.
 */
import type { Instant } from "../gateway/domain/instant.ts";
import { integrationId } from "../gateway/domain/integration.ts";
import { type MakerSecrets, sealedMax, sealForGateway } from "../gateway/wire/gateway-secret.ts";
import type { SecretString } from "../gateway/wire/secret.ts";
import { fieldProblem, HttpProblem } from "../web/problem.ts";
import type { Asker } from "./asker.ts";
import type { CloudParts } from "./cloud-parts.ts";
import {
  type AccessAction,
  type AccessLogEvent,
  accessAction,
  type CredentialAtMaker,
  credentialAtMaker,
} from "./domain/access-log.ts";
import {
  type AccessProvider,
  accessProviders,
  isSecret,
  refusedSecrets,
  type SecretName,
  secretNames,
} from "./domain/access-providers.ts";
import type { Facts } from "./domain/audit-body.ts";
import type { EvidenceEvent } from "./domain/code-evidence.ts";
import { type Actor, sitesOf } from "./domain/permissions.ts";
import { chosenSite } from "./own-grants.ts";
import { demandMay } from "./routes/asks.ts";
import { notFound } from "./routes/shapes.ts";
import {
  type CredentialPlace,
  countStanding,
  type DevicePlace,
  type LogPlace,
  listAccessEvents,
  listCredentialsAt,
  type Member,
  memberKey,
  membersOf,
  newestOfCredentials,
} from "./store/access-log.ts";
import { recordAudit } from "./store/audit-trail.ts";
import { type GatewayRow, listGateways, type Report } from "./store/gateways.ts";
import {
  type IntegrationRow,
  listIntegrations,
  lockIntegration,
  type PublishedIntegration,
  putIntegration,
  removeIntegration,
} from "./store/integrations.ts";
import { listSites, readSite, type SiteRow } from "./store/sites.ts";
import type { Queries } from "./store/store.ts";

export interface WantedIntegration {
  /** Left out: the only gateway there is for it. */
  readonly gateway?: string | undefined;
  readonly provider: AccessProvider;
  /** All of the account's, or none: then the account is only switched. */
  readonly secrets: Readonly<Partial<Record<SecretName, SecretString>>>;
  /** Left out: as it was, and on at first. */
  readonly isEnabled?: boolean | undefined;
}

/**
 * "in-use": the gateway has it, and a device that uses it · "on-its-way": not both yet · "give-again": the gateway has another key by now and cannot open it ·
 * "gateway-revoked" · "not-given": it has doors of the maker, and the secrets are in its own file, or nowhere.
 */
export type IntegrationState = "in-use" | "on-its-way" | "give-again" | "gateway-revoked" | "not-given";

export interface IntegrationStatus {
  readonly id: string;
  readonly site: string;
  readonly gateway: { readonly id: string; readonly name: string };
  readonly provider: AccessProvider;
  readonly state: IntegrationState;
  /** What was given of it; null: nothing. */
  readonly given: Pick<IntegrationRow, "isEnabled" | "configuredAt" | "configuredBy" | "secrets"> | null;
  readonly devices: readonly ProviderDevice[];
  /** Read back from the maker as standing there. */
  readonly credentials: number;
}

export interface ProviderDevice {
  readonly id: string;
  readonly link: "online" | "offline" | "unknown";
  /** What a person has to do before it works. */
  readonly attention: string | null;
  /** The access points that it holds. */
  readonly doors: readonly string[];
}

export interface AccessLogEntry {
  readonly at: Instant;
  readonly action: AccessAction;
  readonly provider: AccessProvider;
  readonly site: string;
  readonly gateway: string;
  readonly device: string;
  readonly doors: readonly string[];
  readonly grant: string;
  readonly member: Member | null;
  readonly externalId: string | null;
  /** Why it cannot be put there. */
  readonly why: string | null;
}

export interface AccessCredential extends CredentialAtMaker, CredentialPlace {
  readonly provider: AccessProvider;
  readonly doors: readonly string[];
  readonly grant: string;
  readonly member: Member | null;
}

export interface AccessQuery<Place> {
  readonly site?: string | undefined;
  readonly gateway?: string | undefined;
  readonly provider?: AccessProvider | undefined;
  readonly after?: Place | undefined;
  readonly limit: number;
}

interface Page<Item, Place> {
  readonly items: readonly Item[];
  readonly next: Place | undefined;
}

/** A device of a maker's with what its gateway says of it. */
interface Known extends DevicePlace, Pick<ProviderDevice, "doors" | "link" | "attention"> {
  readonly provider: AccessProvider;
}

export class AccessIntegrations {
  readonly #parts: CloudParts;

  constructor(parts: CloudParts) {
    this.#parts = parts;
  }

  /** Given again it takes the place of what was there. */
  async configure({ actor, from }: Asker, site: SiteRow, wanted: WantedIntegration): Promise<IntegrationStatus> {
    const { store, clock, logger } = this.#parts;
    const { provider } = wanted;
    const names = checkedNames(wanted);
    const gateway = chosenGateway(await listGateways(store.db, site.id), wanted);
    const its = { siteId: site.id, gatewayId: gateway.id, provider };
    await store.transaction(async (tx) => {
      const before = await lockIntegration(tx, its);
      if (names.length === 0 && !before)
        throw fieldProblem("body.apiKey", "is needed: nothing was given for this gateway yet");
      const now = clock.wall();
      const isEnabled = wanted.isEnabled ?? before?.isEnabled ?? true;
      // Who gave it, and when, is no other's for having switched it.
      const after: IntegrationRow =
        before && names.length === 0
          ? { ...before, isEnabled }
          : { ...its, ...sealed(its, gateway, wanted), isEnabled, configuredAt: now, configuredBy: actor.id };
      await putIntegration(tx, after, now);
      const thing = integrationId(gateway.id, provider);
      const entry = { site: site.id, actor: actor.id, from, action: "integrations.configure", thing };
      await recordAudit(tx, { ...entry, before: before && factsOf(before), after: factsOf(after) }, now);
    });
    logger.info("integration-configured", { site: site.id, gateway: gateway.id, provider, by: actor.id });
    const found = (await this.#status([site])).find(
      (one) => one.gateway.id === gateway.id && one.provider === provider,
    );
    if (!found) throw notFound(`integration ${integrationId(gateway.id, provider)}`);
    return found;
  }

  /** The gateway forgets its secrets; what stands at the maker goes on until somebody takes it away there. */
  async remove({ actor, from }: Asker, id: string): Promise<void> {
    const { store, clock, logger } = this.#parts;
    const what = `integration ${id}`;
    const found = (await listIntegrations(store.db, undefined)).find(
      ({ row }) => integrationId(row.gatewayId, row.provider) === id,
    )?.row;
    if (!found) throw notFound(what);
    demandMay(actor, "integrations.change", { site: found.siteId, madeBy: found.configuredBy }, what);
    await store.transaction(async (tx) => {
      const before = await lockIntegration(tx, found);
      const now = clock.wall();
      if (!before || !(await removeIntegration(tx, before, now))) throw notFound(what);
      const entry = { site: found.siteId, actor: actor.id, from, action: "integrations.remove", thing: id };
      await recordAudit(tx, { ...entry, before: factsOf(before) }, now);
    });
    logger.info("integration-removed", { site: found.siteId, gateway: found.gatewayId, by: actor.id });
  }

  /** By site and gateway; doors of makers that nothing was given for are among them. */
  async status(actor: Actor, site: string | undefined): Promise<readonly IntegrationStatus[]> {
    return this.#status(await this.#sites(actor, site));
  }

  /** Newest first. */
  async logs(actor: Actor, query: AccessQuery<LogPlace>): Promise<Page<AccessLogEntry, LogPlace>> {
    const { db } = this.#parts.store;
    const devices = await this.#devices(actor, query);
    const known = new Map(devices.map((device) => [deviceKey(device), device]));
    const { limit, after } = query;
    const rows = await listAccessEvents(db, devices, { after, limit: limit + 1 });
    const page = rows.slice(0, limit).map((row) => ({ row, event: JSON.parse(row.body) as AccessLogEvent }));
    const members = await membersOf(
      db,
      page.map(({ row, event }) => ({ site: row.site, grant: event.grant })),
    );
    const items = page.flatMap(({ row, event }): AccessLogEntry[] => {
      const { site, gateway, at } = row;
      const device = known.get(deviceKey({ site, gateway, device: event.device }));
      const action = accessAction(event);
      if (!device || !action) return [];
      const { provider, doors } = device;
      return [
        {
          ...{ at, action, provider, site, gateway, device: event.device, doors, grant: event.grant },
          member: members.get(memberKey(site, event.grant)) ?? null,
          externalId: ("ref" in event ? event.ref : undefined) ?? null,
          why: event.type === "code-missing" ? event.why : null,
        },
      ];
    });
    return { items, next: rows.length > limit ? page.at(-1)?.row : undefined };
  }

  /** Every credential that a gateway has put at a maker's doors or tried to, newest first. */
  async credentials(
    actor: Actor,
    query: AccessQuery<CredentialPlace>,
  ): Promise<Page<AccessCredential, CredentialPlace>> {
    const { db } = this.#parts.store;
    const devices = await this.#devices(actor, query);
    const known = new Map(devices.map((device) => [deviceKey(device), device]));
    const { limit, after } = query;
    const found = await listCredentialsAt(db, devices, { after, limit: limit + 1 });
    const page = found.slice(0, limit);
    const told = (await newestOfCredentials(db, page)).map((row) => ({
      ...row,
      event: JSON.parse(row.body) as EvidenceEvent,
    }));
    const keyOf = (place: DevicePlace, credential: string | undefined) => `${deviceKey(place)} ${credential}`;
    const events = Map.groupBy(told, ({ site, gateway, event }) =>
      keyOf({ site, gateway, device: event.device }, event.credential),
    );
    const members = await membersOf(db, page);
    const items = page.flatMap((one): AccessCredential[] => {
      const device = known.get(deviceKey(one));
      if (!device) return [];
      const its = events.get(keyOf(one, one.credential)) ?? [];
      const { provider, doors } = device;
      const member = members.get(memberKey(one.site, one.grant)) ?? null;
      return [{ ...one, ...credentialAtMaker(its.map(({ event }) => event)), provider, doors, member }];
    });
    return { items, next: found.length > limit ? page.at(-1) : undefined };
  }

  async #sites(actor: Actor, named: string | undefined): Promise<readonly SiteRow[]> {
    const { db } = this.#parts.store;
    if (named !== undefined) return [await chosenSite(db, actor, "integrations.read", named, "query")];
    const mine = sitesOf(actor, "integrations.read");
    return (await listSites(db)).filter(({ id }) => mine?.includes(id) ?? true);
  }

  async #devices(actor: Actor, { site, gateway, provider }: AccessQuery<unknown>): Promise<readonly Known[]> {
    const sites = await this.#sites(actor, site);
    const rows = (await Promise.all(sites.map(({ id }) => listGateways(this.#parts.store.db, id)))).flat();
    return rows
      .flatMap(knownDevices)
      .filter(
        (one) => (gateway === undefined || one.gateway === gateway) && (provider ?? one.provider) === one.provider,
      );
  }

  async #status(sites: readonly SiteRow[]): Promise<readonly IntegrationStatus[]> {
    const { db } = this.#parts.store;
    const all = await listIntegrations(
      db,
      sites.map(({ id }) => id),
    );
    const found = await Promise.all(sites.map((site) => this.#statusOf(db, site, all)));
    return found.flat();
  }

  async #statusOf(
    db: Queries,
    { id: siteId }: SiteRow,
    all: readonly PublishedIntegration[],
  ): Promise<readonly IntegrationStatus[]> {
    const gateways = await listGateways(db, siteId);
    // After the gateways: a version they have confirmed is not taken for one that is still to come.
    const site = await readSite(db, siteId);
    const devices = gateways.flatMap(knownDevices);
    const standing = await countStanding(db, devices);
    return gateways.flatMap((gateway) =>
      accessProviders.flatMap((provider): IntegrationStatus[] => {
        const given = all.find(({ row }) => row.gatewayId === gateway.id && row.provider === provider);
        const its = devices.filter((one) => one.gateway === gateway.id && one.provider === provider);
        if (!given && (its.length === 0 || gateway.revokedAt !== null)) return [];
        const counts = standing.filter(
          (one) => one.gateway === gateway.id && its.some(({ device }) => device === one.device),
        );
        return [
          {
            id: integrationId(gateway.id, provider),
            site: siteId,
            gateway: { id: gateway.id, name: gateway.name },
            provider,
            state: stateOf(site, gateway, given, its.length > 0),
            given: given?.row ?? null,
            devices: its.map(({ device: id, link, attention, doors }) => ({ id, link, attention, doors })),
            credentials: counts.reduce((sum, { count }) => sum + count, 0),
          },
        ];
      }),
    );
  }
}

const notSecret = "cannot be one: paste it without spaces and line breaks, 4,096 characters at most";

/** All of an account's secrets, or none. */
function checkedNames({ provider, secrets, isEnabled }: WantedIntegration): readonly SecretName[] {
  const names = secretNames.filter((name) => secrets[name] !== undefined);
  if (names.length === 0 && isEnabled !== undefined) return names;
  const wrong = names
    .filter((name) => !isSecret(provider, secrets[name]?.reveal() ?? ""))
    .map((field) => ({ field, message: notSecret }));
  const errors = [...refusedSecrets(provider, names), ...wrong].map(({ field, message }) => ({
    field: `body.${field}`,
    message,
  }));
  if (errors.length === 0) return names;
  throw new HttpProblem(400, "invalid-request", errors.map(({ field, message }) => `${field}: ${message}`).join("; "), {
    errors,
  });
}

/** The one that is named, the only one in service, or the only one that has doors of the provider. */
function chosenGateway(
  gateways: readonly GatewayRow[],
  { gateway: named, provider }: WantedIntegration,
): GatewayRow & { readonly publicKey: string } {
  const usable = gateways.filter(isUsable);
  if (named !== undefined) {
    const found = usable.find(({ id }) => id === named);
    if (found) return found;
    throw fieldProblem("body.gateway", "the site has no such gateway in service");
  }
  const fitting = usable.filter((one) => knownDevices(one).some((device) => device.provider === provider));
  const [only, more] = fitting.length > 0 ? fitting : usable;
  if (only && !more) return only;
  throw fieldProblem(
    "body.gateway",
    only ? "name the gateway; there are several" : "the site has no gateway in service yet",
  );
}

function isUsable(row: GatewayRow): row is GatewayRow & { readonly publicKey: string } {
  return row.publicKey !== null && row.revokedAt === null;
}

function sealed(
  { siteId: site, gatewayId: gateway, provider }: Pick<IntegrationRow, "siteId" | "gatewayId" | "provider">,
  { publicKey }: { readonly publicKey: string },
  { secrets }: WantedIntegration,
): Pick<IntegrationRow, "sealed" | "sealedTo" | "secrets"> {
  const given = Object.fromEntries(Object.entries(secrets).filter(([, secret]) => secret)) as MakerSecrets;
  try {
    const text = sealForGateway(publicKey, { site, gateway, provider }, given);
    // The gateway would read no such row.
    if (text.length > sealedMax) throw fieldProblem(`body.${longestOf(given)}`, notSecret);
    return { sealed: text, sealedTo: publicKey, secrets: Object.keys(given) };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw fieldProblem("body.gateway", `${error.message}; enrol the gateway anew`, 409);
  }
}

function longestOf(secrets: MakerSecrets): string | undefined {
  const lengthOf = (name: string) => JSON.stringify(secrets[name]?.reveal() ?? "").length;
  return Object.keys(secrets).sort((a, b) => lengthOf(b) - lengthOf(a))[0];
}

/** What is sealed differs each time, so that the trail says that it is another. */
function factsOf({ secrets, isEnabled, sealed: key }: IntegrationRow): Facts {
  return { secrets, isEnabled, key };
}

function stateOf(
  site: SiteRow | undefined,
  gateway: GatewayRow,
  given: PublishedIntegration | undefined,
  hasDevices: boolean,
): IntegrationState {
  if (!given) return "not-given";
  if (gateway.revokedAt !== null) return "gateway-revoked";
  if (gateway.publicKey !== given.row.sealedTo) return "give-again";
  const isTaken =
    gateway.cursorFeed === site?.feed && gateway.resettingFrom === null && gateway.cursorVersion >= given.version;
  return isTaken && hasDevices ? "in-use" : "on-its-way";
}

/** By the gateway's last report. */
function knownDevices({ siteId: site, id: gateway, report }: GatewayRow): readonly Known[] {
  if (report === null) return [];
  const { devices, accessPoints } = JSON.parse(report) as Report;
  return devices.flatMap(({ id: device, link, driver, attention = null }): Known[] => {
    const provider = accessProviders.find((name) => name === driver);
    const doors = accessPoints.filter(({ lock }) => lock === device).map(({ id }) => id);
    return provider ? [{ site, gateway, device, provider, link, attention, doors }] : [];
  });
}

function deviceKey({ site, gateway, device }: DevicePlace): string {
  return `${site} ${gateway} ${device}`;
}
