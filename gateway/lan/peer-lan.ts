/** This gateway on the LAN between gateways: once its site is there it asks, answers, and looks now and then who can be seen. */
import type { GatewayId } from "../domain/grant.ts";
import type { Millis, Monotonic } from "../domain/instant.ts";
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

const lookEveryMs: Millis = 60_000;
const helloWithinMs: Millis = 2_000;

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
  #reached: ReadonlyMap<GatewayId, boolean> = new Map();
  readonly #seenAt = new Map<GatewayId, Monotonic>();
  readonly #closing = new AbortController();
  #looking: Promise<void> | undefined;

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
    this.#looking = this.#keepLooking(site.records);
  }

  /** Whether it could be seen when it was last looked for; undefined: it was not yet, or has no address. */
  reached(gateway: GatewayId): boolean | undefined {
    return this.#reached.get(gateway);
  }

  /** Since it last answered when it was looked for; undefined: it has not since the start. */
  seenAgoMs(gateway: GatewayId): Millis | undefined {
    const at = this.#seenAt.get(gateway);
    return at === undefined ? undefined : this.#options.clock.monotonic() - at;
  }

  /** Asks and answers no more; connections are ended. */
  async close(): Promise<void> {
    this.#records = undefined;
    this.#closing.abort(new Error("the gateway is stopping"));
    this.#link.close();
    await this.#looking;
    await this.#server?.stop();
    this.#server = undefined;
  }

  async #keepLooking(records: SiteRecords): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      const reached = new Map<GatewayId, boolean>();
      for (const { id, lan } of records.peers().toArray()) {
        if (id === records.gateway || lan === undefined || signal.aborted) continue;
        const isReached = await this.#sees(id);
        if (isReached !== this.#reached.get(id))
          this.#options.logger.info(isReached ? "peer-seen" : "peer-not-seen", { peer: id });
        reached.set(id, isReached);
        if (isReached) this.#seenAt.set(id, this.#options.clock.monotonic());
      }
      this.#reached = reached;
      await this.#options.clock.sleep(lookEveryMs, signal).catch(() => undefined);
    }
  }

  async #sees(gateway: GatewayId): Promise<boolean> {
    const [late, answered] = [new AbortController(), new AbortController()];
    this.#options.clock.sleep(helloWithinMs, answered.signal).then(
      () => late.abort(),
      () => undefined,
    );
    try {
      return await this.#link.greet(gateway, AbortSignal.any([this.#closing.signal, late.signal]));
    } catch {
      return false;
    } finally {
      answered.abort();
    }
  }
}
