/**
 * tuyapi 7.7.1 as we use it: sessions, ciphers and heartbeats are its own; what can hang, retry by itself or throw where nobody catches is
 * held here. One object serves one connection: after it is closed nothing of it speaks again.
 */

import { randomBytes } from "node:crypto";
import type { EventEmitter } from "node:events";
import { createRequire } from "node:module";
import type { Socket } from "node:net";
import type { SecretString } from "../../wire/secret.ts";
import { FrameSplitter, returnCodeOf } from "./frames.ts";

export type Version = "3.1" | "3.3" | "3.4" | "3.5";
export type DpValue = string | number | boolean | null;
/** Data points by their number. */
export type Dps = Readonly<Record<string, DpValue>>;

/** The commands of the LAN protocol that concern a lock; the reference calls them so. */
export const commands = {
  sessionAnswer: 4,
  control: 7,
  status: 8,
  heartbeat: 9,
  query: 10,
  controlNew: 13,
  queryNew: 16,
};

/** One frame of the device, deciphered: an object, text, or nothing. */
export interface Packet {
  readonly commandByte: number;
  readonly sequenceN: number;
  readonly payload: unknown;
  readonly returnCode: number | undefined;
}

interface LibraryParser {
  parse(data: Buffer): Packet[];
  readonly cipher: {
    getKey(): string | Buffer;
    decrypt(data: Buffer, version?: string): unknown;
    encrypt(options: { data: Buffer; iv?: Buffer }): Buffer;
  };
}

interface SetOptions {
  readonly multiple: true;
  readonly data: Dps;
  readonly cid?: string;
  readonly shouldWaitForResponse: false;
}

interface LibraryDevice extends EventEmitter {
  readonly device: { readonly parser: LibraryParser };
  readonly client: Socket | undefined;
  _currentSequenceN: number;
  _resolvers: object;
  _packetHandler(packet: Packet): void;
  _sendPing(): Promise<void>;
  connect(): Promise<boolean>;
  disconnect(): void;
  isConnected(): boolean;
  set(options: SetOptions): Promise<unknown>;
  get(options: { readonly schema: true; readonly cid?: string }): Promise<unknown>;
}

interface LibraryOptions {
  readonly ip: string;
  readonly port: number;
  readonly id: string;
  readonly key: string;
  readonly version: Version;
  readonly issueGetOnConnect: false;
}

const require = createRequire(import.meta.url);
muteSecrets();
const TuyaDevice = require("tuyapi") as new (options: LibraryOptions) => LibraryDevice;

export interface ConnectionOptions {
  readonly host: string;
  readonly port: number;
  readonly deviceId: string;
  readonly localKey: SecretString;
  readonly version: Version;
}

export interface ConnectionEvents {
  packet(packet: Packet): void;
  /** TCP stands; whether the two understand each other is not known yet. */
  reached(): void;
  /** The session stands and takes commands. */
  opened(): void;
  /** Once, whatever the cause. The library's own words are kept from it: they quote whole frames. */
  closed(): void;
}

export class Connection extends TuyaDevice {
  readonly #events: ConnectionEvents;
  #asked = false;
  #closed = false;

  constructor({ host, port, deviceId, localKey, version }: ConnectionOptions, events: ConnectionEvents) {
    super({ ip: host, port, id: deviceId, key: localKey.reveal(), version, issueGetOnConnect: false });
    this.#events = events;
    // Errors come as Error and as text, also long after; without a listener each would end the process.
    this.on("error", () => this.close());
    this.#readWholeFrames();
    if (version !== "3.5") return;
    this.#endOnForgery();
    this.#useFreshNonces();
  }

  /** Begins; the events tell how it went. A handshake that nobody answers never ends by itself: close() it. */
  open(): void {
    this.connect().then(
      () => {
        if (!this.#closed) this.#events.opened();
      },
      () => this.close(),
    );
    this.client?.setNoDelay(true); // a command after a query would wait for the query's TCP acknowledgement
    this.client?.once("connect", () => this.#events.reached());
    this.client?.once("close", () => this.close());
  }

  /**
   * The library connects by itself before each request, and again for minutes when that fails, and then sends what it was given: a door
   * would open long after. So it connects once. p-retry gives up at once on a TypeError.
   */
  override connect(): Promise<boolean> {
    if (this.isConnected()) return Promise.resolve(true);
    if (this.#asked) return Promise.reject(new TypeError("the connection is over"));
    this.#asked = true;
    return super.connect();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.disconnect();
    this.client?.destroy(); // disconnect() leaves a handshake that hangs
    this.#events.closed();
  }

  /** The library's own way out too, when a heartbeat is not answered. */
  override disconnect(): void {
    const { client } = this;
    // What was written and has not arrived must not arrive later, as it would when the kernel is left to end the connection.
    if (client?.writable && !client.connecting) client.resetAndDestroy();
    super.disconnect();
  }

  /** The frame's number; undefined: certainly not sent. */
  write(dps: Dps, cid: string | undefined): number | undefined {
    return this.#send(() =>
      this.set({ multiple: true, data: dps, shouldWaitForResponse: false, ...(cid !== undefined && { cid }) }),
    );
  }

  /** As write(). Asks for all data points; the answer is a packet. */
  query(cid: string | undefined): number | undefined {
    return this.#send(() => this.get({ schema: true, ...(cid !== undefined && { cid }) }));
  }

  /** Every packet is ours to read; the library sees those of its session and heartbeat, and would act on others by itself. */
  override _packetHandler(packet: Packet): void {
    if (this.#closed) return;
    try {
      this.#events.packet(packet);
      const { heartbeat, sessionAnswer } = commands;
      if (packet.commandByte === heartbeat || packet.commandByte === sessionAnswer) super._packetHandler(packet);
    } catch {
      this.close(); // thrown inside a socket's listener it would end the process
    }
  }

  /** Nobody catches what its timer throws. */
  override _sendPing(): Promise<void> {
    return super._sendPing().catch(() => this.close());
  }

  #send(request: () => Promise<unknown>): number | undefined {
    if (this.#closed || !this.isConnected()) return undefined;
    const sequence = this._currentSequenceN + 1;
    this._resolvers = {}; // it keeps one for each request that is not answered as it expects
    try {
      request().catch(() => this.close());
    } catch {
      this.close(); // there was no frame to send: the device chooses where the numbers begin, and 32 bits are all they have
      return undefined;
    }
    return sequence;
  }

  #readWholeFrames(): void {
    const { parser } = this.device;
    const splitter = new FrameSplitter();
    const parse = parser.parse.bind(parser);
    parser.parse = (data) =>
      splitter.push(data).flatMap((frame) => {
        const returnCode = returnCodeOf(frame, parser.cipher.getKey());
        return parse(frame).map((packet) => ({ ...packet, returnCode }));
      });
  }

  /** What the key does not prove the library hands on as text, and a text is a refusal. Older versions have a check that it heeds. */
  #endOnForgery(): void {
    const { cipher } = this.device.parser;
    const decrypt = cipher.decrypt.bind(cipher);
    cipher.decrypt = (data, version) => {
      try {
        return decrypt(data, version);
      } catch (error) {
        this.close();
        throw error;
      }
    };
  }

  /** The library makes nonces of the time in steps of 10 ms, and a nonce used twice gives a key's stream away. */
  #useFreshNonces(): void {
    const { cipher } = this.device.parser;
    const encrypt = cipher.encrypt.bind(cipher);
    cipher.encrypt = (options) => encrypt({ iv: randomBytes(12), ...options });
  }
}

/** Whoever looks for a fault with DEBUG=* would have session keys and whole payloads printed. */
function muteSecrets(): void {
  const debug = createRequire(require.resolve("tuyapi"))("debug") as { enable(namespaces: string): void };
  if (process.env.DEBUG) debug.enable(`${process.env.DEBUG},-TuyAPI`);
}
