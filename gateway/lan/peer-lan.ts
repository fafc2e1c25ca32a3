/** This gateway on the LAN between gateways: it asks from the start, and answers once its site is there. */
import type { GatewayId } from "../domain/grant.ts";
import type { SiteRecords } from "../domain/site-records.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { EntryReply, EntryRequest, PeerLink } from "../ports/peer-link.ts";
import type { SecretString } from "../wire/secret.ts";
import { writeAddress } from "./address.ts";
import { HttpPeerLink } from "./http-peer-link.ts";
import { peerIdentity } from "./peer-identity.ts";
import { PeerServer, type PeerServerLimits, type PeerServerOptions } from "./peer-server.ts";

export interface LanSettings {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Where others reach it, "host:port"; undefined: at host and port. */
  readonly advertise?: string | undefined;
}

export interface PeerLanOptions {
  readonly settings: LanSettings;
  readonly gateway: GatewayId;
  /** Ed25519, PKCS #8 in PEM: the key the gateway was enrolled with. */
  readonly privateKey: SecretString;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits?: Partial<PeerServerLimits>;
}

/** The site it answers for. */
export interface GivingSite extends Pick<PeerServerOptions, "holder"> {
  readonly records: SiteRecords;
  readonly give: (request: EntryRequest) => Promise<EntryReply>;
}

export class PeerLan implements PeerLink {
  readonly #options: PeerLanOptions;
  readonly #link: HttpPeerLink;
  #records: SiteRecords | undefined;
  #server: PeerServer | undefined;

  constructor(options: PeerLanOptions) {
    this.#options = options;
    this.#link = new HttpPeerLink({
      identity: peerIdentity(options.gateway, options.privateKey),
      records: () => this.#records,
      clock: options.clock,
      logger: options.logger,
    });
  }

  /** Told before it listens where that is known, or each start would tell the cloud of two moves. */
  get address(): string | undefined {
    const { host, port, advertise } = this.#options.settings;
    if (advertise !== undefined) return advertise;
    const actual = port === 0 ? this.#server?.port : port;
    return actual === undefined ? undefined : writeAddress({ host, port: actual });
  }

  ask(gateway: GatewayId, request: EntryRequest, signal: AbortSignal): Promise<EntryReply | undefined> {
    return this.#link.ask(gateway, request, signal);
  }

  /** Until then nobody is known, so nobody is asked. Rejects as PeerServer.start does. */
  async open(site: GivingSite): Promise<void> {
    const { settings, gateway, privateKey, clock, logger, limits } = this.#options;
    const identity = peerIdentity(gateway, privateKey);
    const server = new PeerServer({ ...settings, ...site, identity, clock, logger, ...(limits && { limits }) });
    await server.start();
    this.#server = server;
    this.#records = site.records;
  }

  /** Asks and answers no more; connections are ended. */
  async close(): Promise<void> {
    this.#records = undefined;
    this.#link.close();
    await this.#server?.stop();
    this.#server = undefined;
  }
}
