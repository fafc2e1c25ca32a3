/** Second factors: an authenticator app, recovery codes, passkeys. */
import assert from "node:assert/strict";
import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { after, before, beforeEach, describe, test } from "node:test";
import { Passwords } from "../../../cloud-sync/people/passwords.ts";
import { newRecoveryCodes, newTotpSecret, totpCode, totpStepOf } from "../../../cloud-sync/people/totp.ts";
import { changePerson } from "../../../cloud-sync/store/people.ts";
import { SecretString } from "../../../gateway/wire/secret.ts";
import {
  type Answer,
  cheapPasswords,
  givenCloud,
  HandClock,
  type TestCloud,
  type TestPerson,
} from "../../support/cloud.ts";

const password = "sea wind over the harbour";
const hourMs = 3_600_000;
const clock = new HandClock();
let cloud: TestCloud;
let ada: TestPerson;
const bare = { authorization: "" };
const post = (path: string, body: object, headers: Record<string, string> = {}) =>
  cloud.ask("POST", path, body, { ...bare, ...headers });
const enter = () => post("/auth/sign-in", { name: ada.userName, password });

before(async () => {
  cloud = await givenCloud({ clock });
  await cloud.ask("POST", "/api/sites", { id: "home", name: "Home", zone: "UTC" });
});
after(() => cloud.close());
beforeEach(async () => {
  clock.advance(hourMs);
  ada = await cloud.as("owner", ["home"]);
  const passwordHash = await new Passwords(cheapPasswords).hash(new SecretString(password));
  await cloud.store.transaction((tx) => changePerson(tx, ada.id, { passwordHash }, clock.wall()));
});

describe("codes of an app", () => {
  // RFC 6238, appendix B, SHA-1; the last six digits of its eight.
  const secret = new SecretString("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
  const vectors = [
    [59, "287082"],
    [1_111_111_109, "081804"],
    [1_111_111_111, "050471"],
    [1_234_567_890, "005924"],
    [2_000_000_000, "279037"],
    [20_000_000_000, "353130"],
  ] as const;
  for (const [second, code] of vectors)
    test(`at second ${second} it is ${code}`, () => {
      assert.equal(totpCode(secret, second * 1_000), code);
      assert.equal(totpStepOf(secret, code, second * 1_000, 0), Math.floor(second / 30));
    });

  test("are good half a minute before and after their own, and not after a later one was taken", () => {
    const at = 1_234_567_890_000;
    const step = Math.floor(at / 30_000);
    for (const [off, expected] of [
      [-60_000, undefined],
      [-30_000, step - 1],
      [0, step],
      [30_000, step + 1],
      [60_000, undefined],
    ] as const)
      assert.equal(totpStepOf(secret, totpCode(secret, at + off), at, 0), expected, `${off} ms`);
    assert.equal(totpStepOf(secret, totpCode(secret, at), at, step), undefined);
    for (const wrong of ["", "5924", "0059240", "abcdef", "00592４"])
      assert.equal(totpStepOf(secret, wrong, at, 0), undefined, wrong);
  });

  test("secrets and recovery codes are no two alike", () => {
    const made = Array.from({ length: 50 }, () => newTotpSecret().reveal());
    assert.equal(new Set(made).size, 50);
    assert.match(made[0]!, /^[A-Z2-7]{32}$/);
    assert.equal(new Set(newRecoveryCodes()).size, 10);
    assert.match(newRecoveryCodes()[0]!, /^[0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{4}$/);
  });
});

describe("an app", () => {
  const setUp = async (): Promise<{ secret: SecretString; recoveryCodes: string[] }> => {
    const offered = await ada.ask("POST", "/api/me/totp", { password });
    const secret = new SecretString(offered.body.secret);
    const { body } = await ada.ask("POST", "/api/me/totp/confirm", { code: totpCode(secret, clock.wall()) });
    clock.advance(30_000);
    return { secret, recoveryCodes: body.recoveryCodes };
  };
  const prove = async (code: string) => post("/auth/second-factor", { ticket: (await enter()).body.ticket, code });

  test("is set up by password and code, ends other sessions, and is asked for from then on", async () => {
    const other = (await enter()).body;
    assert.equal((await ada.ask("POST", "/api/me/totp", { password: "not the password" })).status, 400);
    const { body } = await ada.ask("POST", "/api/me/totp", { password });
    assert.equal(
      body.address,
      `otpauth://totp/Postern%3A${ada.userName}?secret=${body.secret}&issuer=Postern&period=30&digits=6`,
    );
    assert.equal((await enter()).body.outcome, "signed-in", "what is not confirmed does not count");
    assert.equal((await ada.ask("POST", "/api/me/totp/confirm", { code: "000000" })).status, 400);
    const { secret, recoveryCodes } = await setUp();
    assert.equal(recoveryCodes.length, 10);
    assert.equal((await post("/auth/refresh", { refreshToken: other.refreshToken })).status, 401);
    assert.equal((await ada.ask("GET", "/api/me")).body.secondFactor.recoveryCodesLeft, 10);

    const { body: half } = await enter();
    assert.deepEqual(
      [half.outcome, half.factors, half.accessToken],
      ["second-factor", ["totp", "recovery-code"], undefined],
    );
    assert.equal((await prove(totpCode(secret, clock.wall()))).body.outcome, "signed-in");
  });

  test("a ticket is good for five minutes and is no token", async () => {
    const { secret } = await setUp();
    const { ticket } = (await enter()).body;
    assert.equal((await post("/auth/refresh", { refreshToken: ticket })).status, 401);
    clock.advance(301_000);
    assert.equal((await post("/auth/second-factor", { ticket, code: totpCode(secret, clock.wall()) })).status, 401);
  });

  test("a ticket does not outlive the password that it was given for", async () => {
    const { secret } = await setUp();
    const finish = (ticket: string) => post("/auth/second-factor", { ticket, code: totpCode(secret, clock.wall()) });
    const before = (await enter()).body.ticket;
    const next = "another sentence of mine";
    assert.equal((await ada.ask("POST", "/api/me/password", { current: password, password: next })).status, 204);
    assert.equal((await finish(before)).status, 401);

    const { ticket } = (await post("/auth/sign-in", { name: ada.userName, password: next })).body;
    const { url } = (await cloud.ask("POST", `/api/people/${ada.id}/reset-link`)).body;
    const token = new URL(url).hash.slice(1);
    assert.equal((await post("/auth/link/password", { token, password })).status, 204);
    assert.equal((await finish(ticket)).status, 401);
    assert.equal((await finish((await enter()).body.ticket)).status, 200);
  });

  test("wrong codes lock as wrong passwords do", async () => {
    const { secret } = await setUp();
    const { ticket } = (await enter()).body;
    for (let times = 0; times < 10; times += 1) {
      clock.advance(2_000);
      assert.equal((await post("/auth/second-factor", { ticket, code: "abc" })).status, 401);
    }
    assert.equal((await post("/auth/second-factor", { ticket, code: totpCode(secret, clock.wall()) })).status, 401);
    assert.equal((await enter()).status, 401);
    clock.advance(60_000);
    assert.equal((await prove(totpCode(secret, clock.wall()))).status, 200);
  });

  test("a recovery code opens once, however it is typed, and for nobody else", async () => {
    const { recoveryCodes } = await setUp();
    const [first = "", second = ""] = recoveryCodes;
    assert.equal((await prove(` ${first.toUpperCase().replaceAll("-", " ")}`)).status, 200);
    assert.equal((await prove(first)).status, 401);
    const mine = ada;
    ada = await cloud.as("owner", ["home"]);
    const passwordHash = await new Passwords(cheapPasswords).hash(new SecretString(password));
    await cloud.store.transaction((tx) => changePerson(tx, ada.id, { passwordHash }, clock.wall()));
    await setUp();
    assert.equal((await prove(second)).status, 401);
    assert.equal((await mine.ask("GET", "/api/me")).body.secondFactor.recoveryCodesLeft, 9);
  });

  test("is removed by password alone; who needs one may then only set one up", async () => {
    await setUp();
    await cloud.ask("PATCH", `/api/people/${ada.id}`, { role: "support" });
    assert.equal((await ada.ask("GET", "/api/sites")).status, 200);
    assert.equal((await ada.ask("POST", "/api/me/totp/remove", { password: "not the password" })).status, 400);
    assert.equal((await ada.ask("POST", "/api/me/totp/remove", { password })).status, 204);
    const refused = await ada.ask("GET", "/api/sites");
    assert.deepEqual([refused.status, refused.body.code], [403, "second-factor-needed"]);
    await setUp();
    assert.equal((await ada.ask("GET", "/api/sites")).status, 200);
  });
});

/** An authenticator as WebAuthn describes it, with the browser around it. */
class Authenticator {
  readonly #keys: { readonly publicKey: KeyObject; readonly privateKey: KeyObject };
  readonly id: string;
  counter = 0;

  constructor(kind: "ec" | "ed25519" | "rsa", name = "credential-of-a-test") {
    this.id = Buffer.from(name).toString("base64url");
    if (kind === "ec") this.#keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
    else if (kind === "rsa") this.#keys = generateKeyPairSync("rsa", { modulusLength: 2048 });
    else this.#keys = generateKeyPairSync("ed25519");
  }

  create(challenge: string, change: Facts = {}) {
    const id = Buffer.from(this.id, "base64url");
    const length = Buffer.alloc(2);
    length.writeUInt16BE(id.length);
    const data = Buffer.concat([this.#data(0x45, change), Buffer.alloc(16), length, id]);
    return {
      id: this.id,
      rawId: this.id,
      type: "public-key",
      clientExtensionResults: {},
      response: {
        clientDataJSON: clientData("webauthn.create", challenge, change),
        authenticatorData: data.toString("base64url"),
        publicKey: this.#keys.publicKey.export({ format: "der", type: "spki" }).toString("base64url"),
        publicKeyAlgorithm: -7,
        transports: ["internal"],
      },
    };
  }

  get(challenge: string, change: Facts = {}) {
    const data = this.#data(0x05, change);
    const client = clientData("webauthn.get", challenge, change);
    const signed = Buffer.concat([data, hash(Buffer.from(client, "base64url"))]);
    const algorithm = this.#keys.privateKey.asymmetricKeyType === "ed25519" ? null : "sha256";
    return {
      id: change.id ?? this.id,
      type: "public-key",
      response: {
        clientDataJSON: client,
        authenticatorData: data.toString("base64url"),
        signature: sign(algorithm, signed, this.#keys.privateKey).toString("base64url"),
      },
    };
  }

  #data(flags: number, { rp = "localhost", flags: given = flags }: Facts): Buffer {
    const counter = Buffer.alloc(4);
    counter.writeUInt32BE(this.counter);
    return Buffer.concat([hash(Buffer.from(rp)), Buffer.from([given]), counter]);
  }
}

interface Facts {
  readonly rp?: string;
  readonly flags?: number;
  readonly origin?: string;
  readonly type?: string;
  readonly id?: string;
}

const hash = (data: Buffer) => createHash("sha256").update(data).digest();
const clientData = (type: string, challenge: string, { origin = "http://localhost", type: given = type }: Facts) =>
  Buffer.from(JSON.stringify({ type: given, challenge, origin, crossOrigin: false })).toString("base64url");

describe("a passkey", () => {
  const challenge = async () => (await post("/auth/passkey/options", {})).body.challenge;
  const show = async (key: Authenticator, change: Facts = {}, of?: string) =>
    post("/auth/passkey", { credential: key.get(of ?? (await challenge()), change) });
  const offer = async () => (await ada.ask("POST", "/api/me/passkeys/options", { password })).body;
  const keep = (key: Authenticator, of: string, change: Facts = {}): Promise<Answer> =>
    ada.ask("POST", "/api/me/passkeys", { name: "phone", credential: key.create(of, change) });
  const added = async (kind: "ec" | "ed25519" | "rsa" = "ec") => {
    const key = new Authenticator(kind);
    await forget();
    assert.equal((await keep(key, (await offer()).challenge)).status, 201);
    return key;
  };
  /** Of the person before: every authenticator here calls its credential the same. */
  const forget = async () => cloud.store.db.execute("delete from passkey");

  for (const kind of ["ec", "ed25519", "rsa"] as const)
    test(`with a key of the kind ${kind} signs in by itself, at a browser or for a program`, async () => {
      const key = await added(kind);
      const { status, body } = await show(key);
      assert.deepEqual([status, body.outcome, body.person], [200, "signed-in", ada.id]);
      const again = { credential: key.get(await challenge()), by: "cookie" };
      const { headers } = await post("/auth/passkey", again, { "sec-fetch-site": "same-origin" });
      assert.match(headers.getSetCookie()[0]!, /^postern=session-/);
      assert.deepEqual((await enter()).body.factors, ["passkey"]);
    });

  test("is one of twenty at the most, also when more were offered before the first was kept", async () => {
    const offers: string[] = [];
    const told: number[] = [];
    for (let one = 0; one < 22; one += 1) {
      clock.advance(4_000);
      offers.push((await offer()).challenge);
    }
    for (const [one, of] of offers.entries()) {
      clock.advance(4_000);
      told.push((await keep(new Authenticator("ed25519", `credential ${one}`), of)).status);
    }
    assert.deepEqual(told, [...Array.from({ length: 20 }, () => 201), 409, 409]);
    assert.equal((await ada.ask("GET", "/api/me")).body.secondFactor.passkeys, 20);
    assert.equal((await ada.ask("POST", "/api/me/passkeys/options", { password })).status, 409);
    await forget();
  });

  test("is asked for without naming anybody, and offered for this person and this address", async () => {
    const asked = (await post("/auth/passkey/options", {})).body;
    assert.deepEqual([asked.rpId, asked.allowCredentials, asked.userVerification], ["localhost", [], "required"]);
    const offered = await offer();
    assert.deepEqual([offered.rp.id, offered.user.name, offered.attestation], ["localhost", ada.userName, "none"]);
    assert.equal((await ada.ask("POST", "/api/me/passkeys/options", { password: "not the password" })).status, 400);
  });

  test("is not kept when it answers something else", async () => {
    await forget();
    const key = new Authenticator("ec");
    const wrong: Facts[] = [
      { origin: "http://evil.example" },
      { rp: "evil.example" },
      { flags: 0x41 },
      { flags: 0x05 },
      { type: "webauthn.get" },
    ];
    for (const change of wrong)
      assert.equal((await keep(key, (await offer()).challenge, change)).status, 400, JSON.stringify(change));
    assert.equal((await keep(key, await challenge())).status, 400, "a challenge for signing in");
    const { challenge: mine } = await offer();
    ada = await cloud.as("owner", ["home"]);
    assert.equal((await keep(key, mine)).status, 400, "somebody else's offer");
    assert.equal((await ada.ask("GET", "/api/me/passkeys")).body.items.length, 0);
  });

  test("does not let in what was seen before, came late, is of elsewhere, or did not look who its user is", async () => {
    const key = await added();
    const once = await challenge();
    assert.equal((await show(key, {}, once)).status, 200);
    assert.equal((await show(key, {}, once)).status, 401);
    const late = await challenge();
    clock.advance(300_000);
    assert.equal((await show(key, {}, late)).status, 401);
    for (const change of [
      { origin: "http://evil.example" },
      { rp: "evil.example" },
      { flags: 0x01 },
      { type: "webauthn.create" },
      { id: "bm9ib2R5" },
    ])
      assert.equal((await show(key, change)).status, 401, JSON.stringify(change));
    assert.equal((await show(new Authenticator("ec"))).status, 401, "another key under its name");
    assert.equal((await show(key, {}, "made-up")).status, 401);
  });

  test("whose counter goes back was copied", async () => {
    const key = await added();
    key.counter = 7;
    assert.equal((await show(key)).status, 200);
    assert.equal((await show(key)).status, 401);
    key.counter = 8;
    assert.equal((await show(key)).status, 200);
    key.counter = 0;
    assert.equal((await show(key)).status, 401);
  });

  test("of somebody disabled opens nothing; one that was removed neither", async () => {
    const key = await added();
    await cloud.ask("PATCH", `/api/people/${ada.id}`, { disabled: true });
    assert.equal((await show(key)).status, 401);
    ada = await cloud.as("owner", ["home"]);
    const passwordHash = await new Passwords(cheapPasswords).hash(new SecretString(password));
    await cloud.store.transaction((tx) => changePerson(tx, ada.id, { passwordHash }, clock.wall()));
    const second = await added();
    const { items } = (await ada.ask("GET", "/api/me/passkeys")).body;
    assert.deepEqual(
      items.map(({ name }: { name: string }) => name),
      ["phone"],
    );
    const bob = await cloud.as("owner", ["home"]);
    await cloud.store.transaction((tx) => changePerson(tx, bob.id, { passwordHash }, clock.wall()));
    const remove = `/api/me/passkeys/${items[0].id}/remove`;
    assert.equal((await bob.ask("POST", remove, { password })).status, 404);
    const passerBy = await ada.ask("POST", remove, { password: "not the password" });
    assert.deepEqual([passerBy.status, passerBy.body.errors[0].field], [400, "body.password"]);
    assert.equal((await ada.ask("POST", remove, {})).status, 400);
    assert.equal((await show(second)).status, 200, "it is still there");
    assert.equal((await ada.ask("POST", remove, { password })).status, 204);
    assert.equal((await show(second)).status, 401);
    assert.equal((await enter()).body.outcome, "signed-in");
  });
});
