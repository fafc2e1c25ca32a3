/** A guard's phone at a gateway's own address, over HTTP; and the account at the cloud that its guard signs in with. */
import assert from "node:assert/strict";
import { until } from "./until.ts";
import type { WholeSite } from "./whole-site.ts";

export const guardsPassword = "gate and garden 7";

/** Compared, not typed. */
type Body = ReturnType<typeof JSON.parse>;
export interface PhoneAnswer {
  readonly status: number;
  readonly body: Body;
}

/** Somebody with an account at the cloud and this password. Answers their id. */
export async function anAccount(
  site: Pick<WholeSite, "admin" | "site">,
  userName: string,
  { name, role }: { readonly name: string; readonly role: string },
): Promise<string> {
  const order = { userName, name, role, sites: [site.site] };
  const { person, link } = await site.admin<{ person: { id: string }; link: { url: string } }>(
    "POST",
    "/api/people",
    order,
  );
  const token = new URL(link.url).hash.slice(1);
  await site.admin("POST", "/auth/link/password", { token, password: guardsPassword });
  return person.id;
}

/** Rosa, once the gateway knows her. */
export async function aGuard(site: WholeSite): Promise<string> {
  const id = await anAccount(site, "rosa", { name: "Rosa Guard", role: "guard" });
  await until("the gateway knows the guard", () => site.gateway.site.parts.records.staff(id) !== undefined);
  return id;
}

export class GuardPhone {
  readonly #url: string;
  readonly #cookie: string;

  private constructor(url: string, cookie: string) {
    this.#url = url;
    this.#cookie = cookie;
  }

  /** `url`: of the gateway. */
  static async signIn(url: string, userName: string): Promise<GuardPhone> {
    const answer = await fetch(`${url}/sign-in`, {
      method: "POST",
      redirect: "manual",
      headers: { origin: url, connection: "close" },
      body: new URLSearchParams({ userName, password: guardsPassword }),
      signal: AbortSignal.timeout(60_000),
    });
    assert.equal(answer.status, 303, await answer.text());
    return new GuardPhone(url, answer.headers.getSetCookie()[0]!.split(";", 1)[0]!);
  }

  check(body: object, language = "en"): Promise<PhoneAnswer> {
    return this.#send("/validate-qr", JSON.stringify(body), { "accept-language": language });
  }

  enter(body: object): Promise<PhoneAnswer> {
    return this.#send("/log-entry", JSON.stringify(body));
  }

  photo(jpeg: Uint8Array): Promise<PhoneAnswer> {
    return this.#send("/photos", Buffer.from(jpeg), { "content-type": "image/jpeg" });
  }

  /** Rejects where it is not there. */
  async readPhoto(id: string): Promise<Buffer> {
    const answer = await fetch(`${this.#url}/photos/${id}`, {
      headers: { cookie: this.#cookie, connection: "close" },
      signal: AbortSignal.timeout(60_000),
    });
    assert.equal(answer.status, 200);
    return Buffer.from(await answer.arrayBuffer());
  }

  async #send(path: string, body: string | Buffer<ArrayBuffer>, headers: object = {}): Promise<PhoneAnswer> {
    const answer = await fetch(this.#url + path, {
      method: "POST",
      headers: { cookie: this.#cookie, connection: "close", "content-type": "application/json", ...headers },
      body,
      signal: AbortSignal.timeout(60_000),
    });
    return { status: answer.status, body: JSON.parse(await answer.text()) };
  }
}
