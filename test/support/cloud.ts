/** A cloud-sync in memory with an administrator and gateways that speak to it as real ones do, without a port. */
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import type { CloudApp } from "../../cloud-sync/app.ts";
import { cloudApp } from "../../cloud-sync/app.ts";
import type { GuestServices } from "../../cloud-sync/channels/guest-services.ts";
import type { MailChannel } from "../../cloud-sync/channels/mail.ts";
import type { AppChannel } from "../../cloud-sync/channels/push.ts";
import type { CloudParts } from "../../cloud-sync/cloud-parts.ts";
import { type Role, rolesWithSecondFactor } from "../../cloud-sync/domain/permissions.ts";
import { hashOf } from "../../cloud-sync/ids.ts";
import { peopleParts } from "../../cloud-sync/people/people-parts.ts";
import { changePerson, createPerson, type FreshPerson } from "../../cloud-sync/store/people.ts";
import { beginSession } from "../../cloud-sync/store/sessions.ts";
import { SiteKeys } from "../../cloud-sync/store/site-keys.ts";
import type { Store } from "../../cloud-sync/store/store.ts";
import type { Clock } from "../../gateway/ports/clock.ts";
import { type Logger, silentLogger } from "../../gateway/ports/logger.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import type { WirePollReply } from "../../gateway/wire/feed.ts";
import { headStatement } from "../../gateway/wire/gateway-api.ts";
import { chainNext, chainStart } from "../../gateway/wire/journal-line.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { memoryStore } from "./memory-store.ts";

export const adminToken = "test-admin-token";

/** Time that stands still until told; whoever sleeps wakes when it passes. */
export class HandClock implements Clock {
  #now = Date.UTC(2031, 2, 4, 12);
  #wallStep = 0;
  readonly #sleepers = new Set<{ readonly at: number; readonly wake: () => void }>();

  wall(): number {
    return this.#now + this.#wallStep;
  }

  /** As when the system's time is set, either way. */
  stepWall(ms: number): void {
    this.#wallStep += ms;
  }

  monotonic(): number {
    return this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const sleeper = { at: this.#now + ms, wake: resolve };
      this.#sleepers.add(sleeper);
      const abort = () => {
        this.#sleepers.delete(sleeper);
        reject(signal?.reason);
      };
      if (signal?.aborted) abort();
      signal?.addEventListener("abort", abort, { once: true });
    });
  }

  get sleepers(): number {
    return this.#sleepers.size;
  }

  advance(ms: number): void {
    this.#now += ms;
    for (const sleeper of [...this.#sleepers]) {
      if (sleeper.at > this.#now) continue;
      this.#sleepers.delete(sleeper);
      sleeper.wake();
    }
  }
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Compared, not typed. */
  readonly body: ReturnType<typeof JSON.parse>;
}

export interface TestCloud {
  readonly app: CloudApp;
  readonly parts: CloudParts;
  readonly store: Store;
  ask(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** Makes a person with an account, a session and, where the role needs one, a second factor; `ask` goes by its access token. */
  as(role: Role, sites?: readonly string[], facts?: Partial<FreshPerson>): Promise<TestPerson>;
  /** Adds a gateway to the site, enrols it and reports these access points. */
  gateway(site: string, accessPoints?: readonly string[]): Promise<TestGateway>;
  close(): Promise<void>;
}

export interface TestPerson {
  readonly id: string;
  readonly userName: string;
  readonly session: string;
  ask: TestCloud["ask"];
  /** Its access token, good for five minutes. */
  bearer(): Promise<{ readonly authorization: string }>;
  /** What a browser that has signed in sends with a request from a page of the service. */
  readonly browser: Readonly<Record<string, string>>;
}

/** Hashing costs next to nothing, so that tests are quick. */
export const cheapPasswords = { memoryKiB: 16, passes: 1 };

/** Of every person that as() makes with a role that needs a second factor. */
export const totpSecret = new SecretString("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP");

export function aMasterKey(): SecretString {
  return new SecretString(Buffer.alloc(32, 7).toString("base64url"));
}

export interface CloudSurroundings {
  readonly clock?: Clock;
  readonly store?: Store;
  readonly logger?: Logger;
  readonly mail?: MailChannel;
  readonly publicUrl?: string;
  readonly app?: AppChannel;
  readonly pushServices?: readonly string[];
  readonly lodgifyUrl?: string;
  readonly guests?: GuestServices;
  readonly calendarOrigins?: readonly string[];
}

export async function givenCloud(options: CloudSurroundings = {}): Promise<TestCloud> {
  const clock = options.clock ?? systemClock;
  const store = options.store ?? (await memoryStore({ clock }));
  const stopping = new AbortController();
  const parts: CloudParts = {
    store,
    siteKeys: new SiteKeys(aMasterKey()),
    clock,
    logger: options.logger ?? silentLogger,
    adminTokenHashes: [hashOf(adminToken)],
    version: "0.0.0-test",
    passwordCost: cheapPasswords,
    mail: options.mail,
    publicUrl: options.publicUrl,
    app: options.app,
    pushServices: options.pushServices,
    lodgifyUrl: options.lodgifyUrl,
    guests: options.guests,
    calendarOrigins: options.calendarOrigins,
    stopping: stopping.signal,
  };
  const app = cloudApp(parts);
  const people = peopleParts(parts);
  let made = 0;
  const ask: TestCloud["ask"] = async (method, path, body, headers = {}) =>
    toAnswer(
      await app.request(path, {
        method,
        headers: {
          authorization: `Bearer ${adminToken}`,
          ...(body !== undefined && { "content-type": "application/json" }),
          ...headers,
        },
        ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
      }),
    );
  return {
    app,
    parts,
    store,
    ask,
    async as(role, sites = [], facts = {}) {
      made += 1;
      const fresh = {
        userName: `${role}-${made}`,
        email: null,
        name: `Person ${made}`,
        role,
        language: "en",
        sites,
        createdBy: "admin",
        ...facts,
      };
      const { id, session } = await store.transaction(async (tx) => {
        const person = await createPerson(tx, fresh, clock.wall());
        if ("taken" in person) throw new Error(`somebody has this ${person.taken}`);
        const sealed = people.factorSeal.seal(person.id, totpSecret.reveal());
        if (rolesWithSecondFactor.includes(role))
          await changePerson(tx, person.id, { totpSealed: sealed }, clock.wall());
        const device = { personId: person.id, device: "test", address: "in-process" };
        return { id: person.id, session: await beginSession(tx, device, clock.wall()) };
      });
      const bearer = async () => {
        const token = await people.tokens.access(id, session, 1, clock.wall());
        return { authorization: `Bearer ${token.reveal()}` };
      };
      const asPerson: TestCloud["ask"] = async (method, path, body, headers = {}) =>
        ask(method, path, body, { ...(await bearer()), ...headers });
      const cookie = `postern=${people.tokens.token(session, 1).reveal()}`;
      const browser = { cookie, "sec-fetch-site": "same-origin" };
      return { id, userName: fresh.userName, session, ask: asPerson, bearer, browser };
    },
    async gateway(site, accessPoints = []) {
      const { body } = await ask("POST", `/api/sites/${site}/gateways`, { name: "gate" });
      const gateway = new TestGateway(app, clock);
      await gateway.enrol(body.code);
      if (accessPoints.length > 0) await gateway.report(accessPoints);
      return gateway;
    },
    async close() {
      stopping.abort();
      if (!options.store) await store.close();
    },
  };
}

async function toAnswer(response: Response): Promise<Answer> {
  const text = await response.text();
  const isJson = /json/.test(response.headers.get("content-type") ?? "");
  return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : undefined };
}

/** A gateway's side of the wire, with its journal in memory. */
export class TestGateway {
  readonly #app: CloudApp;
  readonly #clock: Clock;
  #privateKey: KeyObject | undefined;
  id = "";
  epoch = 0;
  /** The journal's events, as text. */
  readonly lines: string[] = [];
  cursor = { feed: "", version: 0 };
  lastCommand = 0;

  constructor(app: CloudApp, clock: Clock) {
    this.#app = app;
    this.#clock = clock;
  }

  async enrol(code: string): Promise<Answer> {
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const answer = await this.send("POST", "/v1/enrol", {
      body: JSON.stringify({ code, publicKey: publicKey.export({ format: "jwk" }).x, version: "1" }),
      type: "application/json",
    });
    if (answer.status === 200) {
      this.#privateKey = privateKey;
      this.id = answer.body.gateway;
      this.epoch = answer.body.epoch;
    }
    return answer;
  }

  /** Ed25519, PKCS #8 in PEM; once it is enrolled. */
  get privateKey(): SecretString {
    return new SecretString(this.#privateKey?.export({ format: "pem", type: "pkcs8" }).toString() ?? "");
  }

  token(claims: Record<string, unknown> = {}): string {
    const now = Math.floor(this.#clock.wall() / 1000);
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const all = { iss: this.id, aud: "postern-cloud", exp: now + 50, ...claims };
    const text = `${part({ alg: "EdDSA" })}.${part(all)}`;
    return `${text}.${this.#sign(text)}`;
  }

  /** An access point by its id, or with what its gateway says of it. */
  report(
    accessPoints: readonly (string | { readonly id: string; readonly [fact: string]: unknown })[],
    devices: readonly { readonly id: string; readonly link: string; readonly [fact: string]: unknown }[] = [],
  ): Promise<Answer> {
    const points = accessPoints.map((one) => (typeof one === "string" ? { id: one } : one));
    const report = { version: "1", accessPoints: points.map((one) => ({ name: one.id, ...one })), devices };
    return this.send("PUT", `/v1/gateways/${this.id}/report`, {
      body: JSON.stringify(report),
      type: "application/json",
    });
  }

  async poll(waitMs = 0, signal?: AbortSignal): Promise<Answer & { readonly body: WirePollReply }> {
    const { feed, version } = this.cursor;
    const query = `feed=${feed}&cursor=${version}&waitMs=${waitMs}&lastCommand=${this.lastCommand}&proto=1`;
    return this.send("GET", `/v1/gateways/${this.id}/feed?${query}`, { ...(signal && { signal }) });
  }

  /** Polls until the set is whole and acknowledges it. Answers all rows. */
  async catchUp(): Promise<WirePollReply["rows"]> {
    const rows: WirePollReply["rows"] = [];
    for (;;) {
      const { body } = await this.poll();
      rows.push(...body.rows);
      this.cursor = { feed: body.feed, version: body.to };
      if (body.complete) break;
    }
    await this.poll();
    return rows;
  }

  /** Writes events into its journal. */
  record(...events: Record<string, unknown>[]): void {
    for (const event of events) {
      this.lines.push(
        JSON.stringify({
          seq: this.lines.length + 1,
          at: this.#clock.wall(),
          clock: "synced",
          boot: 1,
          mono: 0,
          ...event,
        }),
      );
    }
  }

  /** Pushes the journal's events [first, until). `change` spoils the head. */
  push(first: number, until = this.lines.length + 1, change: Record<string, unknown> = {}): Promise<Answer> {
    const lines = this.lines.slice(first - 1, until - 1);
    const epoch = this.epoch;
    const prev = this.lines.slice(0, first - 1).reduce(chainNext, chainStart(this.id, epoch));
    const head = lines.reduce(chainNext, prev);
    const headSignature = this.#sign(headStatement(this.id, epoch, first + lines.length - 1, head));
    const envelope = JSON.stringify({ proto: 1, epoch, first, prev, head, headSignature, ...change });
    return this.send("POST", `/v1/gateways/${this.id}/journal`, {
      body: [envelope, ...lines].join("\n"),
      type: "application/x-ndjson",
    });
  }

  async send(
    method: string,
    path: string,
    {
      body,
      type,
      token,
      signal,
    }: { body?: string | Uint8Array<ArrayBuffer>; type?: string; token?: string; signal?: AbortSignal } = {},
  ): Promise<Answer> {
    const response = await this.#app.request(path, {
      method,
      headers: {
        ...(this.#privateKey && { authorization: `Bearer ${token ?? this.token()}` }),
        ...(type !== undefined && { "content-type": type }),
      },
      ...(body !== undefined && { body }),
      ...(signal && { signal }),
    });
    return toAnswer(response);
  }

  #sign(text: string): string {
    return sign(null, Buffer.from(text), this.#privateKey!).toString("base64url");
  }
}
