/** How one logs in at Brivo: OAuth2 with a Basic header and an api-key, and tokens that do not live long. */
import { createHash } from "node:crypto";
import type { Clock } from "../../gateway/ports/clock.ts";
import type { CloudAnswer, CloudRequest } from "./cloud-port.ts";

export interface BrivoLogin {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly admin: { readonly username: string; readonly password: string };
}

export interface BrivoTokenLife {
  /** Of an access token, in seconds. */
  tokenLifeS: number;
  refreshLifeS: number;
  /** Each use of a refresh token gives a new one, and the old one is worth nothing. */
  refreshRotates: boolean;
}

const tokensMax = 1_000;

export class BrivoTokens {
  readonly #login: BrivoLogin;
  readonly #clock: Clock;
  readonly #life: BrivoTokenLife;
  /** Until when each is valid, on the monotonic clock. */
  readonly #access = new Map<string, number>();
  readonly #refresh = new Map<string, number>();
  #count = 0;

  constructor(login: BrivoLogin, life: BrivoTokenLife, clock: Clock) {
    this.#login = login;
    this.#life = life;
    this.#clock = clock;
  }

  /** POST /oauth/token. */
  answer({ headers, body }: CloudRequest): CloudAnswer {
    const objection = this.#objectionTo(headers.authorization);
    if (objection) return objection;
    if (!headers["content-type"]?.startsWith("application/x-www-form-urlencoded"))
      return { status: 415, json: { status: 415, error: "Unsupported Media Type", path: "/oauth/token" } };
    const form = new URLSearchParams(body);
    switch (form.get("grant_type")) {
      case "password":
        return this.#byPassword(form);
      case "refresh_token":
        return this.#byRefresh(form.get("refresh_token") ?? "");
      default:
        return { status: 400, json: { error: "unsupported_grant_type", error_description: "Unsupported grant type" } };
    }
  }

  /** What is wrong with the header of a call; undefined: nothing. Repeats the token, as the real service does. */
  objectionTo(authorization: string | undefined): CloudAnswer | undefined {
    const token = /^bearer (.+)$/i.exec(authorization ?? "")?.[1];
    if (token === undefined) return unauthorized;
    const until = this.#access.get(token);
    if (until === undefined) return invalidToken(`Invalid access token: ${token}`);
    return until > this.#clock.monotonic() ? undefined : invalidToken(`Access token expired: ${token}`);
  }

  expireAccess(): void {
    for (const token of this.#access.keys()) this.#access.set(token, 0);
  }

  revokeRefresh(): void {
    this.#refresh.clear();
  }

  #objectionTo(authorization: string | undefined): CloudAnswer | undefined {
    const given = /^basic (.+)$/i.exec(authorization ?? "")?.[1];
    if (given === undefined) return unauthorized;
    const { clientId, clientSecret } = this.#login;
    if (Buffer.from(given, "base64").toString() === `${clientId}:${clientSecret}`) return undefined;
    return {
      status: 401,
      json: { status: 401, error: "Unauthorized", message: "Bad credentials", path: "/oauth/token" },
    };
  }

  #byPassword(form: URLSearchParams): CloudAnswer {
    const { username, password } = this.#login.admin;
    if (form.get("username") === username && form.get("password") === password) return this.#issue(this.#newRefresh());
    return { status: 401, json: { error: "invalid_grant", error_description: "Bad credentials" } };
  }

  #byRefresh(token: string): CloudAnswer {
    if ((this.#refresh.get(token) ?? 0) <= this.#clock.monotonic())
      return { status: 400, json: { error: "invalid_grant", error_description: `Invalid refresh token: ${token}` } };
    if (!this.#life.refreshRotates) return this.#issue(token);
    this.#refresh.delete(token);
    return this.#issue(this.#newRefresh());
  }

  #issue(refreshToken: string): CloudAnswer {
    const accessToken = this.#make("access", this.#access, this.#life.tokenLifeS);
    const { tokenLifeS: lifeS } = this.#life;
    return {
      status: 200,
      json: { access_token: accessToken, token_type: "bearer", refresh_token: refreshToken, expires_in: lifeS },
    };
  }

  #newRefresh(): string {
    return this.#make("refresh", this.#refresh, this.#life.refreshLifeS);
  }

  /** The same tokens in every run. */
  #make(kind: string, kept: Map<string, number>, lifeS: number): string {
    this.#count += 1;
    const token = createHash("sha256").update(`${kind} ${this.#count} of ${this.#login.clientSecret}`).digest("hex");
    kept.set(token, this.#clock.monotonic() + lifeS * 1_000);
    const [oldest] = kept.keys();
    if (kept.size > tokensMax && oldest !== undefined) kept.delete(oldest);
    return token;
  }
}

const unauthorized: CloudAnswer = {
  status: 401,
  json: { error: "unauthorized", error_description: "Full authentication is required to access this resource" },
};

function invalidToken(description: string): CloudAnswer {
  return { status: 401, json: { error: "invalid_token", error_description: description } };
}
