/** The daemon on site, whole: the site with its broker, its drivers and its LAN pages, started and stopped in a visible order. */
import { hostname } from "node:os";
import { pathText } from "../config/config-error.ts";
import type { DeviceAccount } from "./broker/accounts.ts";
import { Broker, type BrokerAddress } from "./broker/broker.ts";
import { CertificateAuthority } from "./broker/certificate-authority.ts";
import type { AccessPoint } from "./domain/access-point.ts";
import type { GuardRules } from "./domain/guard-rules.ts";
import type { Instant, Millis } from "./domain/instant.ts";
import type { SiteRecords } from "./domain/site-records.ts";
import { driverNames, loadDriver } from "./drivers/index.ts";
import { GatewayError } from "./errors.ts";
import { BroughtSecrets } from "./flows/brought-secrets.ts";
import { giveEntry } from "./flows/give-entry.ts";
import { gatewayApp } from "./http/app.tsx";
import { type HttpServer, listen } from "./http/server.ts";
import { type LanSettings, PeerLan } from "./lan/peer-lan.ts";
import { mqttFaults } from "./mqtt-faults.ts";
import type { Clock } from "./ports/clock.ts";
import type { Device } from "./ports/device.ts";
import type { Disk } from "./ports/disk.ts";
import type { Logger } from "./ports/logger.ts";
import { noPeers } from "./ports/peer-link.ts";
import type { Vault } from "./ports/vault.ts";
import { type RunningSite, startSite } from "./site.ts";
import { DiskWatch } from "./storage/disk-watch.ts";
import { type GatewayKeys, saveGatewayKeys } from "./storage/gateway-keys.ts";
import { KeptAttachments } from "./storage/kept-attachments.ts";
import { SealedVault } from "./storage/sealed-vault.ts";
import { AttachmentLane } from "./sync/attachment-lane.ts";
import { type Fetch, HttpCloudLink } from "./sync/http-cloud-link.ts";
import type { EpochRenewal } from "./sync/sync-loop.ts";
import { type ClockSettings, vouchedClock } from "./vouched-clock.ts";
import { CredentialSeal } from "./wire/credential-seal.ts";
import type { SecretString } from "./wire/secret.ts";

/** What the configuration file says, as the gateway needs it. */
export interface GatewaySettings {
  readonly data: string;
  readonly cloud: { readonly url: string };
  readonly http: {
    readonly host: string;
    readonly port: number;
    /** Where the pages speak TLS as well; undefined: nowhere. */
    readonly tlsPort?: number | undefined;
    readonly hosts: readonly string[];
  };
  readonly broker: {
    readonly host: string;
    readonly port: number;
    readonly plainPort?: number | undefined;
    readonly plainLan?: { readonly host: string; readonly port: number } | undefined;
    readonly hostnames: readonly string[];
    readonly connectionsMax: number;
  };
  /** Where the site's other gateways ask for entries; undefined: nowhere, and none of them is asked. */
  readonly lan?: LanSettings | undefined;
  readonly clock: ClockSettings;
  readonly guards: GuardRules & { readonly attachmentsMb: number };
  readonly devices: readonly { readonly id: string; readonly driver: string; readonly options: unknown }[];
  readonly accessPoints: readonly AccessPoint[];
}

export interface GatewayParts {
  readonly settings: GatewaySettings;
  readonly keys: GatewayKeys;
  /** A device's secret by name; undefined when neither file nor environment has it. */
  readonly secret: (device: string, name: string) => SecretString | undefined;
  readonly version: string;
  readonly clock: Clock;
  readonly disk: Disk;
  readonly logger: Logger;
  readonly fetch: Fetch;
  readonly random: () => number;
  readonly onFailed: (error: Error) => void;
}

export interface RunningGateway {
  readonly site: RunningSite;
  readonly http: HttpServer;
  readonly https: HttpServer | undefined;
  readonly broker: BrokerAddress;
  /** Where the other gateways reach it, "host:port". */
  readonly lan: string | undefined;
  /** What devices trust; PEM. */
  readonly caCertificate: string;
  /** Takes devices' new passwords over; whose changed is cut off at once. Everything else takes a restart. */
  reloadSecrets(secret: GatewayParts["secret"]): void;
  stop(): Promise<void>;
}

/** Resolves when everything listens. Rejects, with all that was started stopped again, when something cannot. */
export async function startGateway(parts: GatewayParts): Promise<RunningGateway> {
  const { settings, keys, clock, logger, disk } = parts;
  const startedAt = clock.monotonic();
  const stops: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const each of stops.splice(0).reverse()) await each();
  };
  try {
    await disk.makeFolder(settings.data);
    // Known once the site runs. What was written down bounds the time from below, also while the machine's clock stands at 1970.
    let records: SiteRecords | undefined;
    let highWaterAtStart: Instant = 0;
    const wall = () => Math.max(clock.wall(), highWaterAtStart + clock.monotonic() - startedAt);
    const ca = await CertificateAuthority.open(settings.data, { wall });
    const { host, port, plainPort, plainLan, connectionsMax } = settings.broker;
    const hostnames = namesOf(settings);
    const certificate = await ca.serverCertificate(hostnames);
    const broker = new Broker({
      host,
      port,
      ...(plainPort !== undefined && { plainPort }),
      plainLan,
      tls: {
        ...certificate,
        ca: ca.certificate,
        ticketKeys: await ca.ticketKeys(),
      },
      devices: [],
      limits: { connections: connectionsMax },
      passedTime: () => records?.borneOutAt ?? 0,
      clock,
      logger: logger.child({ part: "broker" }),
    });
    const vault = new SealedVault({ disk, folder: settings.data, keys, logger });
    const brought = new BroughtSecrets({ site: keys.site, privateKey: keys.privateKey, logger });
    const devices = await Promise.all(
      settings.devices.map((device, index) =>
        makeDevice(`devices[${index}]`, device, parts, { broker, vault, brought }),
      ),
    );
    const drivers = new Map(settings.devices.map(({ id, driver }) => [id, driver]));
    refuseMqttFaults(settings, devices, parts.secret);
    broker.setDevices(accountsOf(devices, parts.secret));
    const lan = settings.lan && lanOf(settings.lan, parts);
    const link = new HttpCloudLink(settings.cloud.url, keys, clock, parts.fetch);
    const site = await startSite({
      gateway: keys.gateway,
      epoch: keys.epoch,
      version: parts.version,
      folder: settings.data,
      accessPoints: settings.accessPoints,
      devices,
      drivers,
      recordsRead: (known) => brought.readFrom(known),
      seal: new CredentialSeal(keys.site, Buffer.from(keys.siteKey.reveal(), "base64url")),
      link,
      peers: lan ?? noPeers,
      systemClockWithinMs: await vouchedClock(settings.clock),
      vouchAgain: () => vouchedClock(settings.clock),
      clock,
      disk,
      logger,
      random: parts.random,
      onFailed: parts.onFailed,
      renewal: renewalOf(parts),
    });
    stops.push(() => site.stop());
    records = site.parts.records;
    highWaterAtStart = records.highWater;
    if (lan) {
      stops.push(() => lan.close());
      const { holder } = site.parts;
      await lan.open({ records, holder, give: (request) => giveEntry(site.parts, request) });
    }
    // Devices may connect only when their reports can be written down.
    await broker.start();
    stops.push(() => broker.stop());
    const ending = new AbortController();
    const diskWatch = new DiskWatch({ folder: settings.data, disk, logger });
    let https: HttpServer | undefined;
    const servers = () => ({ broker, https });
    const attachments = await KeptAttachments.open({
      disk,
      folder: settings.data,
      bytesMax: settings.guards.attachmentsMb * 2 ** 20,
    });
    const lane = new AttachmentLane({
      attachments,
      link,
      journal: site.parts.journal,
      visits: site.parts.records.visits,
      queue: () => site.sync.queue,
      clock,
      logger,
    });
    const kept = Promise.all([
      lane.run(ending.signal),
      keepCertificate(ca, servers, hostnames, parts, ending.signal),
      diskWatch.run(clock, ending.signal),
    ]);
    stops.push(async () => {
      ending.abort();
      await kept;
    });
    const app = gatewayApp({
      site: site.parts,
      guards: settings.guards,
      attachments,
      questionLink: link,
      name: keys.name,
      version: parts.version,
      machine: hostname(),
      hosts: settings.http.hosts,
      startedAt,
      caCertificate: ca.certificate,
      tlsPort: settings.http.tlsPort,
      drivers,
      sync: () => ({ state: site.sync.state, queue: site.sync.queue }),
      broker: () => ({ ...broker.stats() }),
      disk: () => diskWatch.look(),
      peerReached: (gateway) => lan?.reached(gateway),
      peerSeenAgoMs: (gateway) => lan?.seenAgoMs(gateway),
    });
    const http = await listen(app.fetch, settings.http);
    stops.push(() => http.stop());
    if (settings.http.tlsPort !== undefined) {
      const listening = await listen(app.fetch, { ...settings.http, port: settings.http.tlsPort, tls: certificate });
      https = listening;
      stops.push(() => listening.stop());
    }
    const address = broker.address;
    if (!address) throw new Error("the broker does not listen after its start");
    return {
      site,
      http,
      https,
      broker: address,
      lan: lan?.address,
      caCertificate: ca.certificate,
      reloadSecrets: (secret) => broker.setDevices(accountsOf(devices, secret)),
      stop,
    };
  } catch (error) {
    await stop().catch((also: Error) => logger.error("stop-failed", { error: also }));
    throw error;
  }
}

/** Broker and pages have one certificate between them. */
function namesOf({ broker, http }: GatewaySettings): string[] {
  return [...new Set([...broker.hostnames, ...(http.tlsPort === undefined ? [] : http.hosts)])];
}

const certificateLookMs: Millis = 6 * 3_600_000;

/** Looks at the certificates now and then: the authority renews the broker's in good time, the devices' are a person's to renew. */
async function keepCertificate(
  ca: CertificateAuthority,
  servers: () => { readonly broker: Broker; readonly https: HttpServer | undefined },
  hostnames: readonly string[],
  { clock, logger }: GatewayParts,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const { broker, https } = servers();
    try {
      const certificate = await ca.serverCertificate(hostnames);
      broker.renewCertificate(certificate, await ca.ticketKeys());
      https?.renewCertificate(certificate);
    } catch (error) {
      logger.error("certificate-not-renewed", { error: error as Error });
    }
    for (const { device, endsAt } of broker.endingCertificates())
      logger.warn("device-certificate-ends", { device, endsAt: new Date(endsAt).toISOString() });
    await clock.sleep(certificateLookMs, signal).catch(() => undefined);
  }
}

/**
 * A device may prove itself by its certificate from this gateway's authority, and by a password where it has one. A fingerprint among
 * its secrets makes that certificate the only one, so that those issued before are void. Throws config-invalid.
 */
function accountsOf(devices: readonly Device[], secret: GatewayParts["secret"]): DeviceAccount[] {
  return devices.flatMap(({ id, mqtt: dialect }) => {
    if (!dialect) return [];
    const password = secret(id, "password");
    const fingerprint = secret(id, "certificate")?.reveal();
    if (fingerprint !== undefined && !/^([\dA-F]{2}:){31}[\dA-F]{2}$/i.test(fingerprint))
      throw new GatewayError(
        "config-invalid",
        `secret certificate of device ${id} is no SHA-256 fingerprint (32 pairs of hex digits, joined by colons); postern ca device prints it`,
      );
    return [{ id, dialect, certificate: true, ...(fingerprint && { fingerprint }), ...(password && { password }) }];
  });
}

function refuseMqttFaults(settings: GatewaySettings, devices: readonly Device[], secret: GatewayParts["secret"]): void {
  const [fault] = mqttFaults(
    settings.broker,
    devices.map(({ id, mqtt: dialect }) => ({ id, dialect, hasPassword: secret(id, "password") !== undefined })),
  );
  if (fault) throw new GatewayError("config-invalid", `${pathText(fault.path)}: ${fault.message}`);
}

/** The cloud may have begun the new epoch although its answer was lost, so that it is asked is written down first. */
function renewalOf({ settings, keys, disk, clock, fetch, onFailed }: GatewayParts): EpochRenewal {
  const { newEpochAsked, ...known } = keys;
  let isNoted = newEpochAsked === true;
  return {
    isAsked: isNoted,
    async begin(signal) {
      if (!isNoted) await saveGatewayKeys(disk, settings.data, { ...known, newEpochAsked: true });
      isNoted = true;
      const identity = { gateway: keys.gateway, privateKey: keys.privateKey };
      const epoch = await new HttpCloudLink(settings.cloud.url, identity, clock, fetch).newEpoch(signal);
      await saveGatewayKeys(disk, settings.data, { ...known, epoch });
      onFailed(
        new GatewayError(
          "journal-damaged",
          `records in ${settings.data} were lost: epoch ${epoch} begins with an empty journal when the gateway starts again`,
        ),
      );
    },
  };
}

function lanOf(settings: LanSettings, { keys, clock, logger }: GatewayParts): PeerLan {
  const { gateway, privateKey } = keys;
  return new PeerLan({ settings, gateway, privateKey, clock, logger: logger.child({ part: "lan" }) });
}

async function makeDevice(
  path: string,
  { id, driver, options }: GatewaySettings["devices"][number],
  parts: GatewayParts,
  { broker, vault, brought }: { readonly broker: Broker; readonly vault: Vault; readonly brought: BroughtSecrets },
): Promise<Device> {
  const factory = await loadDriver(driver);
  if (!factory) {
    const known = driverNames.join(", ");
    throw new GatewayError("config-invalid", `${path}.driver: no driver is called "${driver}"; known: ${known}`);
  }
  try {
    return factory.create(id, options, {
      clock: parts.clock,
      logger: parts.logger.child({ device: id }),
      mqtt: broker.link(id),
      // One or the other whole: half of an account's secrets with half of another's opens nothing.
      secret: (name) => (brought.has(driver) ? brought.secret(driver, name) : parts.secret(id, name)),
      vault,
    });
  } catch (error) {
    if (!(error instanceof GatewayError) || error.code !== "config-invalid") throw error;
    throw new GatewayError("config-invalid", `${path}.options: ${error.message}`, error.detail, { cause: error });
  }
}
