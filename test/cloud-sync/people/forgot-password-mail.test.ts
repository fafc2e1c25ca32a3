/** A forgotten password through the whole service: asked for over HTTP, sent by SMTP, and the link of the mail works. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { startCloud } from "../../../cloud-sync/main.ts";
import { silentLogger } from "../../../gateway/ports/logger.ts";
import { systemClock } from "../../../gateway/system-clock.ts";
import { SecretString } from "../../../gateway/wire/secret.ts";
import { startMailPeer, textOf } from "../../support/mail-peer.ts";
import { until } from "../../support/until.ts";

test("a mail reaches the mail server, and its link sets the password", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "postern-mail-"));
  const peer = await startMailPeer();
  const adminToken = new SecretString("of-whoever-starts-the-service-01");
  const cloud = await startCloud({
    http: { host: "127.0.0.1", port: 0 },
    publicUrl: "http://localhost",
    dataFolder: folder,
    mail: { host: "127.0.0.1", port: peer.port, encryption: "none", from: "Postern <postern@example.org>" },
    adminToken,
    logger: silentLogger,
    clock: systemClock,
  });
  t.after(async () => {
    await cloud.stop();
    await peer.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  const ask = (path: string, body: object) =>
    fetch(cloud.url + path, {
      method: "POST",
      headers: { authorization: `Bearer ${adminToken.reveal()}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  await ask("/api/people", { userName: "ada", name: "Ada Keeper", role: "user", email: "ada@example.org" });

  assert.equal((await ask("/auth/forgot-password", { email: "ada@example.org" })).status, 202);
  await until("the mail is there", () => peer.mails.length === 1);
  const [mail] = peer.mails;
  assert.deepEqual(mail?.to, ["ada@example.org"]);
  const [, token] = /http:\/\/localhost\/link#(postern_link_[\w-]+)/.exec(textOf(mail!))!;
  assert.equal((await ask("/auth/link/password", { token, password: "harbour lane twelve" })).status, 204);
});
