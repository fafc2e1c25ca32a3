/** Passkeys as real Chromium makes and shows them, with an authenticator of its own: what we read is what a browser says. */
import assert from "node:assert/strict";
import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { createAdaptorServer } from "@hono/node-server";
import { Passwords } from "../../cloud-sync/people/passwords.ts";
import { changePerson } from "../../cloud-sync/store/people.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { cheapPasswords, givenCloud } from "../support/cloud.ts";
import { startBrowser } from "../support/control-page.ts";
import { missing } from "../support/needs.ts";

const skip = missing("chromium");
const password = "sea wind over the harbour";

test("a passkey that a browser has made signs its person in, and is both factors", { skip }, async (t) => {
  const cloud = await givenCloud();
  t.after(() => cloud.close());
  const server = createAdaptorServer({ fetch: cloud.app.fetch }) as Server;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const ada = await cloud.as("admin");
  const passwordHash = await new Passwords(cheapPasswords).hash(new SecretString(password));
  await cloud.store.transaction((tx) =>
    changePerson(tx, ada.id, { passwordHash, totpSealed: null }, Date.UTC(2031, 0)),
  );
  const browser = await startBrowser();
  t.after(() => browser.stop());
  const page = await browser.context.newPage();
  const devtools = await browser.context.newCDPSession(page);
  await devtools.send("WebAuthn.enable");
  await devtools.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  const host = `localhost:${(server.address() as AddressInfo).port}`;
  await page.goto(`http://${host}/docs`);
  /** As a page's script would: with what the API hands out, and back what the browser says. */
  const inBrowser = (
    call: "create" | "get",
    parse: "parseCreationOptionsFromJSON" | "parseRequestOptionsFromJSON",
    options: unknown,
  ) =>
    page.evaluate<unknown>(
      `navigator.credentials.${call}({ publicKey: PublicKeyCredential.${parse}(${JSON.stringify(options)}) }).then((made) => made.toJSON())`,
    );
  const ask = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    ada.ask("POST", `http://${host}${path}`, body, headers);

  const offered = await ask("/api/me/passkeys/options", { password });
  const credential = await inBrowser("create", "parseCreationOptionsFromJSON", offered.body);
  const kept = await ask("/api/me/passkeys", { name: "this browser", credential });
  assert.equal(kept.status, 201, kept.text);

  const asked = await ask("/auth/passkey/options", {}, { authorization: "" });
  const shown = await inBrowser("get", "parseRequestOptionsFromJSON", asked.body);
  const { status, body, text } = await ask("/auth/passkey", { credential: shown }, { authorization: "" });
  assert.deepEqual([status, body.person], [200, ada.id], text);
  const headers = { authorization: `Bearer ${body.accessToken}` };
  assert.equal((await cloud.ask("GET", "/api/people", undefined, headers)).status, 200);
});
