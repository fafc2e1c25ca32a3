/** A box signs in by its certificate, and one that was stolen is made void while the gateway runs. */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { join } from "node:path";
import { after, before, test } from "node:test";
import mqtt from "mqtt";
import { CertificateAuthority } from "../../gateway/broker/certificate-authority.ts";
import type { GatewayParts } from "../../gateway/gateway.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { boxKey, WholeSite } from "../support/whole-site.ts";

interface Card {
  readonly key: string;
  readonly cert: string;
}

let site: WholeSite;
const clients: mqtt.MqttClient[] = [];
before(async () => {
  site = await WholeSite.start({ boxes: ["box-1"] });
  await site.box("box-1").link.stop();
});
after(async () => {
  for (const client of clients) await client.endAsync(true);
  await site?.stop();
});

test("of two certificates the fingerprint among its secrets leaves one, at a reload", async () => {
  const authority = await CertificateAuthority.open(join(site.folder, "gateway"), systemClock);
  const [stolen, current] = [authority.issueDevice("box-1"), authority.issueDevice("box-1")];
  const thief = await signIn(stolen);
  assert.ok(thief, "as long as nobody says otherwise, each certificate counts");

  const cutOff = new Promise<void>((resolve) => thief.once("close", () => resolve()));
  site.gateway.reloadSecrets(secretsWith(new X509Certificate(current.cert).fingerprint256));
  await cutOff;
  assert.equal(await signIn(stolen), undefined);
  assert.ok(await signIn(current));
});

test("what is no fingerprint is refused by name, and changes nothing", async () => {
  const refused = { code: "config-invalid", message: /secret certificate of device box-1 is no SHA-256 fingerprint/ };
  assert.throws(() => site.gateway.reloadSecrets(secretsWith("AB:CD")), refused);
});

function secretsWith(fingerprint: string): GatewayParts["secret"] {
  const secrets: Readonly<Record<string, string>> = { certificate: fingerprint, key: boxKey.toString("base64url") };
  return (_device, name) => {
    const value = secrets[name];
    return value === undefined ? undefined : new SecretString(value);
  };
}

/** undefined: refused. */
function signIn({ key, cert }: Card): Promise<mqtt.MqttClient | undefined> {
  const client = mqtt.connect({
    protocol: "mqtts",
    host: "127.0.0.1",
    port: site.gateway.broker.port,
    ca: site.gateway.caCertificate,
    servername: "localhost",
    clientId: "box-1",
    key,
    cert,
    protocolVersion: 4,
    reconnectPeriod: 0,
  });
  clients.push(client);
  return new Promise((resolve) => {
    client.once("connect", () => resolve(client));
    client.on("error", () => resolve(undefined));
    client.once("close", () => resolve(undefined));
  });
}
