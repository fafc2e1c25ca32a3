/** Mail over a real connection: taken, refused for now, refused for good, nobody there, nobody to be trusted. */
import assert from "node:assert/strict";
import { createServer, type Socket } from "node:net";
import { after, before, test } from "node:test";
import type { Mail } from "../../../cloud-sync/channels/mail.ts";
import { type SmtpOptions, smtpChannel } from "../../../cloud-sync/channels/smtp.ts";
import { SecretString } from "../../../gateway/wire/secret.ts";
import { type MailPeer, startMailPeer, textOf } from "../../support/mail-peer.ts";

const mail: Mail = {
  id: "mail-1",
  to: "ada@example.org",
  subject: "Su nueva contraseña",
  text: new SecretString("Hola, Ñandú: https://postern.example/link#postern_link_1234567890"),
};
const never = new AbortController().signal;

let peer: MailPeer;
before(async () => {
  peer = await startMailPeer();
});
after(() => peer.stop());

const channel = (change: Partial<SmtpOptions> = {}) =>
  smtpChannel({
    host: "127.0.0.1",
    port: peer.port,
    encryption: "none",
    from: "Postern <postern@example.org>",
    ...change,
  });

test("a mail goes to its one recipient, from the sender, under its own id, as plain text", async () => {
  assert.deepEqual(await channel().send(mail, never), { outcome: "sent" });
  const taken = peer.mails.at(-1)!;
  assert.deepEqual([taken.from, taken.to], ["postern@example.org", ["ada@example.org"]]);
  assert.match(taken.raw, /^Message-ID: <mail-1@example\.org>$/im);
  assert.match(taken.raw, /^Auto-Submitted: auto-generated$/im);
  assert.equal(textOf(taken).trim(), mail.text.reveal());
});

for (const [code, outcome] of [
  [451, "later"],
  [550, "never"],
] as const)
  test(`a recipient that is refused with ${code}: ${outcome}, and the reason names nobody`, async () => {
    peer.refuse(code);
    const result = await channel().send(mail, never);
    peer.refuse(undefined);
    assert.deepEqual(result, { outcome, why: `EENVELOPE ${code}` });
  });

test("nobody there: later", async () => {
  const gone = await startMailPeer();
  await gone.stop();
  const result = await channel({ port: gone.port }).send(mail, never);
  assert.equal(result.outcome, "later");
});

test("a wrong password may be mended: later", async () => {
  const strict = await startMailPeer({
    authOptional: false,
    allowInsecureAuth: true,
    onAuth: (_auth, _session, callback) => callback(new Error("wrong")),
  });
  const result = await channel({ port: strict.port, user: "postern", password: new SecretString("wrong") }).send(
    mail,
    never,
  );
  await strict.stop();
  assert.deepEqual(result, { outcome: "later", why: "EAUTH 535" });
});

test("a server nobody vouches for, or one without encryption, is told nothing", async () => {
  const stranger = await startMailPeer({ disabledCommands: [] });
  for (const port of [stranger.port, peer.port]) {
    const before = peer.mails.length;
    const result = await channel({ port, encryption: "starttls" }).send(mail, never);
    assert.equal(result.outcome, "later");
    assert.equal(peer.mails.length, before);
  }
  assert.equal(stranger.mails.length, 0);
  await stranger.stop();
});

test("a server that says nothing is left when the signal fires", async () => {
  const sockets: Socket[] = [];
  const stop = new AbortController();
  const mute = createServer((socket) => {
    sockets.push(socket.on("error", () => undefined));
    stop.abort();
  });
  await new Promise<void>((resolve) => mute.listen(0, "127.0.0.1", resolve));
  const { port } = mute.address() as { port: number };
  const result = await channel({ port }).send(mail, stop.signal);
  assert.deepEqual(result, { outcome: "later", why: "EABORT" });
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => mute.close(resolve));
});
