/** Whom Tuya's cloud lets in: a project's signature, a token of two hours, and tickets under which digits are sent. */
import { randomBytes } from "node:crypto";
import type { Clock } from "../../gateway/ports/clock.ts";
import type { CloudRequest } from "./cloud-port.ts";
import { readPassword, ticketKey, tuyaSignature } from "./tuya-cloud-cipher.ts";

export interface TuyaProject {
  readonly clientId: string;
  /** 32 characters. */
  readonly secret: string;
}

/** The maker's numbers and words (its page of error codes, 2026). */
export const tuyaRefusals = {
  systemError: { code: 500, msg: "system error, please contact the admin" },
  signInvalid: { code: 1004, msg: "sign invalid" },
  clientIdInvalid: { code: 1005, msg: "clientId invalid" },
  tokenExpired: { code: 1010, msg: "token is expired" },
  tokenInvalid: { code: 1011, msg: "token invalid" },
  timeInvalid: { code: 1013, msg: "request time is invalid" },
  permissionDeny: { code: 1106, msg: "permission deny" },
  pathInvalid: { code: 1108, msg: "uri path invalid" },
  paramIllegal: { code: 1109, msg: "param is illegal, please check it" },
  deviceOffline: { code: 2001, msg: "device is offline" },
  trialExpired: {
    code: 28841002,
    msg: "No permissions. Your subscription to cloud development plan has expired.",
  },
} as const satisfies Record<string, { readonly code: number; readonly msg: string }>;
export type TuyaRefusal = (typeof tuyaRefusals)[keyof typeof tuyaRefusals];

interface Token {
  readonly access: string;
  readonly refresh: string;
  /** On the monotonic clock. */
  readonly until: number;
}

interface Ticket {
  readonly device: string;
  readonly key: string;
  /** On the monotonic clock. */
  readonly until: number;
}

const tokenSeconds = 7_200;
const ticketSeconds = 300;
/** A caller whose clock is further off is not believed. */
const clockErrorMsMax = 300_000;
const ticketsMax = 1_000;

export class TuyaCloudAccess {
  readonly #project: TuyaProject;
  readonly #clock: Clock;
  readonly #tickets = new Map<string, Ticket>();
  /** Those that were once good. */
  readonly #old = new Set<string>();
  #token: Token | undefined;

  constructor(project: TuyaProject, clock: Clock) {
    this.#project = project;
    this.#clock = clock;
  }

  expireToken(): void {
    if (this.#token) this.#old.add(this.#token.access);
    this.#token = undefined;
  }

  expireTickets(): void {
    this.#tickets.clear();
  }

  /** undefined: the caller is who it says. */
  objection({ method, path, query, headers, body }: CloudRequest): TuyaRefusal | undefined {
    const header = (name: string) => String(headers[name] ?? "");
    if (header("client_id") !== this.#project.clientId) return tuyaRefusals.clientIdInvalid;
    const t = header("t");
    if (!/^\d{13}$/.test(t) || Math.abs(Number(t) - this.#clock.wall()) > clockErrorMsMax)
      return tuyaRefusals.timeInvalid;
    const isForToken = path[1] === "token";
    const accessToken = isForToken ? "" : header("access_token");
    const names = header("signature-headers")
      .split(":")
      .filter((name) => name !== "");
    const asked = [...query].map(([name, value]) => `${name}=${value}`).join("&");
    const signed = tuyaSignature(
      {
        clientId: this.#project.clientId,
        accessToken,
        t,
        nonce: header("nonce"),
        method,
        path: `/${path.join("/")}${asked === "" ? "" : `?${asked}`}`,
        signedHeaders: names.map((name) => [name, header(name.toLowerCase())]),
        body,
      },
      this.#project.secret,
    );
    if (header("sign_method") !== "HMAC-SHA256" || header("sign") !== signed) return tuyaRefusals.signInvalid;
    if (isForToken || this.#isLive(this.#token, accessToken)) return undefined;
    return accessToken === this.#token?.access || this.#old.has(accessToken)
      ? tuyaRefusals.tokenExpired
      : tuyaRefusals.tokenInvalid;
  }

  /** The one that lives, or a new one. */
  grantToken(): object {
    const token = this.#token;
    return this.#told(token && this.#isLive(token, token.access) ? token : this.#renew());
  }

  /** undefined: not the refresh token of the last token. */
  refreshToken(refresh: string): object | undefined {
    return this.#token?.refresh === refresh ? this.#told(this.#renew()) : undefined;
  }

  issueTicket(device: string): object {
    const id = randomBytes(12).toString("hex");
    const key = randomBytes(8).toString("hex");
    this.#tickets.set(id, { device, key, until: this.#clock.monotonic() + ticketSeconds * 1_000 });
    for (const oldest of this.#tickets.keys()) if (this.#tickets.size > ticketsMax) this.#tickets.delete(oldest);
    return { ticket_id: id, ticket_key: ticketKey(key, this.#project.secret), expire_time: ticketSeconds };
  }

  /** True when there is such a ticket for this device. It serves once [unverified]. */
  spendTicket(id: unknown, device: string): boolean {
    return this.#spend(id, device) !== undefined;
  }

  /** The digits that were sent under a ticket; undefined when there is no such ticket, or no digits come out. */
  openUnderTicket(id: unknown, device: string, hex: unknown): string | undefined {
    const ticket = this.#spend(id, device);
    return ticket && typeof hex === "string" ? readPassword(hex, ticket.key) : undefined;
  }

  #spend(id: unknown, device: string): Ticket | undefined {
    const ticket = this.#tickets.get(String(id));
    if (!ticket || ticket.device !== device) return undefined;
    this.#tickets.delete(String(id));
    return this.#clock.monotonic() < ticket.until ? ticket : undefined;
  }

  #isLive(token: Token | undefined, access: string): boolean {
    return token?.access === access && this.#clock.monotonic() < token.until;
  }

  #renew(): Token {
    this.expireToken();
    const [access = "", refresh = ""] = [randomBytes(16), randomBytes(16)].map((bytes) => bytes.toString("hex"));
    this.#token = { access, refresh, until: this.#clock.monotonic() + tokenSeconds * 1_000 };
    return this.#token;
  }

  #told({ access, refresh, until }: Token): object {
    const expireTime = Math.floor((until - this.#clock.monotonic()) / 1_000);
    return { access_token: access, refresh_token: refresh, expire_time: expireTime, uid: "bay1600000000000AbCd" };
  }
}
