/** Gateways of one site on real sockets of the LAN, real files left out; what the feed says is told by hand. No cloud answers. */
import { createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import type { TestContext } from "node:test";
import type { FeedRow, PeerGateway } from "../../gateway/domain/feed.ts";
import { answerWithinMs } from "../../gateway/flows/fetch-entry.ts";
import { giveEntry } from "../../gateway/flows/give-entry.ts";
import { type Outcome, presentCredential } from "../../gateway/flows/present-credential.ts";
import { recentEvents } from "../../gateway/http/recent-events.ts";
import { PeerLan } from "../../gateway/lan/peer-lan.ts";
import type { PeerServerLimits } from "../../gateway/lan/peer-server.ts";
import type { Device } from "../../gateway/ports/device.ts";
import type { LogFields, Logger } from "../../gateway/ports/logger.ts";
import type { EntryReply, EntryRequest } from "../../gateway/ports/peer-link.ts";
import { type RunningSite, startSite } from "../../gateway/site.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import { CredentialSeal } from "../../gateway/wire/credential-seal.ts";
import { rowSum } from "../../gateway/wire/feed.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { noCloud } from "../bench/bench-site.ts";
import { SimDisk } from "../support/sim-disk.ts";
import { aCredential, aGrant, aPage, aSite, grantRow, siteRow } from "../support/site-fixture.ts";
import { aloneOnTheMachine, smallLimits } from "../support/site-store.ts";

export const grantId = "guest";
const seal = new CredentialSeal("site-1", new Uint8Array(32));
const index = seal.index("pin", "471199");

export function aKey(): SecretString {
  const { privateKey } = generateKeyPairSync("ed25519");
  return new SecretString(privateKey.export({ format: "pem", type: "pkcs8" }).toString());
}

/** As the feed spells it. */
export function publicKeyOf(privateKey: SecretString): string {
  return createPublicKey(createPrivateKey(privateKey.reveal())).export({ format: "jwk" }).x!;
}

/** Keeps what was said. */
export class LogLines {
  readonly lines: { readonly event: string; readonly fields: LogFields }[] = [];
  readonly logger: Logger;

  constructor() {
    const note = (event: string, fields: LogFields = {}) => void this.lines.push({ event, fields });
    this.logger = { debug: note, info: note, warn: note, error: note, child: () => this.logger };
  }

  has(event: string): boolean {
    return this.lines.some((line) => line.event === event);
  }
}

export interface NeighbourOptions {
  readonly doors?: number;
  readonly limits?: Partial<PeerServerLimits>;
  /** How long a person at the door waits for an entry from elsewhere; a minute when left out, for machines that are slow. */
  readonly patienceMs?: number;
  /** After an answer is on the disk and before it is sent. */
  readonly beforeAnswer?: (reply: EntryReply) => void;
}

export class Neighbour {
  readonly id: string;
  readonly privateKey: SecretString;
  readonly log: LogLines;
  readonly lan: PeerLan;
  readonly site: RunningSite;
  releases = 0;
  #version = 0;

  private constructor(id: string, lan: PeerLan, site: RunningSite, privateKey: SecretString, log: LogLines) {
    this.id = id;
    this.lan = lan;
    this.site = site;
    this.privateKey = privateKey;
    this.log = log;
  }

  static async start(t: TestContext, id: string, options: NeighbourOptions = {}): Promise<Neighbour> {
    const { doors = 1, limits, patienceMs = 60_000, beforeAnswer } = options;
    const privateKey = aKey();
    const log = new LogLines();
    const lan = new PeerLan({
      settings: { host: "127.0.0.1", port: 0 },
      gateway: id,
      privateKey,
      clock: systemClock,
      logger: log.logger,
      ...(limits && { limits }),
    });
    let onRelease: () => void = () => undefined;
    const names = Array.from({ length: doors }, (_, door) => doorOf(id, door));
    const site = await startSite({
      gateway: id,
      epoch: 1,
      version: "test",
      folder: "/data",
      accessPoints: names.map((door) => ({ id: door, name: door, lock: door, readers: [door], holdMs: 10 })),
      devices: names.map((door) => aLock(door, () => onRelease())),
      seal,
      link: noCloud,
      peers: lan,
      systemClockWithinMs: 1_000,
      clock: {
        ...systemClock,
        sleep: (ms, signal) => systemClock.sleep(ms === answerWithinMs ? patienceMs : ms, signal),
      },
      disk: new SimDisk().mount(),
      logger: log.logger,
      random: () => 0.5,
      onFailed: (error) => {
        throw error;
      },
      processes: aloneOnTheMachine,
      limits: { ...smallLimits, segmentBytes: 262_144, keptBytes: 4_000_000 },
    });
    const { records, holder } = site.parts;
    const give = async (request: EntryRequest) => {
      const reply = await giveEntry(site.parts, request);
      beforeAnswer?.(reply);
      return reply;
    };
    await lan.open({ records, holder, give });
    const neighbour = new Neighbour(id, lan, site, privateKey, log);
    onRelease = () => {
      neighbour.releases += 1;
    };
    t.after(() => neighbour.stop());
    return neighbour;
  }

  async stop(): Promise<void> {
    await this.lan.close();
    await this.site.stop();
  }

  /** As the feed lists it. */
  card(change: Partial<PeerGateway> = {}): PeerGateway {
    return {
      id: this.id,
      name: this.id,
      epoch: 1,
      publicKey: publicKeyOf(this.privateKey),
      lan: this.lan.address!,
      ...change,
    };
  }

  /** A page of the feed arrives. */
  async hear(...rows: readonly FeedRow[]): Promise<void> {
    this.#version += 1;
    const page = aPage(rows, { to: this.#version, reset: this.#version === 1 });
    await this.site.parts.journal.record({ kind: "page", page, at: systemClock.wall() }).durable;
  }

  /** Entries of the grant that may be used here now. */
  get held(): number {
    const grant = this.site.parts.records.grant(grantId);
    return grant ? this.site.parts.records.rights(grant).held : 0;
  }

  /** The guest's PIN, at one of this gateway's doors. `nonce`: it is a guard who asks, by a word of this number. */
  async present(door = 0, nonce?: string): Promise<string> {
    const request = { accessPoint: doorOf(this.id, door), presented: { kind: "pin" as const, index } };
    const outcome: Outcome | undefined = await presentCredential(this.site.parts, request, undefined, {
      origin: undefined,
      at: this.site.parts.clock.monotonic(),
      ...(nonce !== undefined && { scan: { staff: "person-rosa", nonce } }),
    });
    return outcome?.outcome === "denied" ? outcome.reason : (outcome?.outcome ?? "turned away");
  }

  /** Where whoever is denied is told to go. */
  get heldAt(): string | undefined {
    const { records } = this.site.parts;
    return records.heldAt(records.grant(grantId)!);
  }

  async events(): Promise<string[]> {
    await this.site.parts.journal.flushed();
    const events = (await recentEvents(this.site.parts.journal, 1_000)).reverse();
    return events.map(({ type }) => type).filter((type) => type !== "boot" && type !== "released");
  }
}

const doorOf = (gateway: string, door: number) => `${gateway}-door-${door}`;

/** The named gateways with a grant of so many entries, all of them at the first one, and everybody told of everybody. */
export async function aSiteOf(
  t: TestContext,
  ids: readonly [string, ...string[]],
  options: NeighbourOptions & { readonly entries?: number } = {},
): Promise<Neighbour[]> {
  const neighbours = await Promise.all(ids.map((id) => Neighbour.start(t, id, options)));
  const cards = neighbours.map((neighbour) => peerRow(neighbour.card()));
  await Promise.all(
    neighbours.map((neighbour) => neighbour.hear(siteRow(aSite()), ...cards, theGrant(ids, neighbour.id, options))),
  );
  return neighbours;
}

function theGrant(
  ids: readonly [string, ...string[]],
  at: string,
  { entries = 1, doors = 1 }: { readonly entries?: number; readonly doors?: number },
): FeedRow {
  const now = systemClock.wall();
  const grant = aGrant(grantId, {
    kind: "stay",
    accessPoints: ids.flatMap((id) => Array.from({ length: doors }, (_, door) => doorOf(id, door))),
    validity: { from: now - 3_600_000, until: now + 3_600_000 },
    entriesAllowed: entries,
    homeGateway: ids[0],
    credentials: [aCredential(index)],
  });
  return grantRow(grant, 1, at === ids[0] ? entries : 0);
}

export function peerRow(body: PeerGateway, ver = 1): FeedRow {
  const row = { kind: "gateway", id: body.id, ver, body } as const;
  return { ...row, sum: rowSum(row) };
}

export function goneRow(id: string, ver = 2): FeedRow {
  return { kind: "gone", of: "gateway", id, ver, sum: rowSum({ kind: "gateway", id, ver }) };
}

function aLock(id: string, onRelease: () => void): Device {
  return {
    id,
    start: async () => undefined,
    stop: async () => undefined,
    status: () => ({ link: "online", since: 0 }),
    subscribe: () => () => undefined,
    lock: {
      relocks: "by-itself",
      release: async () => {
        onRelease();
        return "confirmed";
      },
      secure: async () => "confirmed",
      state: () => ({ bolt: "secured", basis: "reported" }),
    },
  };
}
