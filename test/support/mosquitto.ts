/** Debian's Mosquitto as a broker nobody here has written: TLS on a free port, its own log as evidence of what went over the wire. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import mqtt from "mqtt";
import { steadyPort } from "../../firmware-sim/steady-port.ts";
import { CertificateAuthority } from "../../gateway/broker/certificate-authority.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import { find } from "./needs.ts";

export const mosquittoPassword = "box-password-0123456789";

/** `proof`: what it asks of whoever connects. Stopped and removed after the test. */
export async function givenMosquitto(t: TestContext, proof: "password" | "certificate") {
  const folder = await mkdtemp(join(tmpdir(), "postern-mosquitto-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const authority = await CertificateAuthority.open(folder, systemClock);
  await authority.serverCertificate(["localhost"]);
  // It takes no port 0, and comes back to its own.
  const port = await steadyPort();
  const passwords = join(folder, "passwords");
  const addUser = (...flags: readonly string[]) =>
    promisify(execFile)("mosquitto_passwd", [...flags, mosquittoPassword]);
  await addUser("-c", "-b", passwords, "box-1");
  await addUser("-b", passwords, "gateway");
  const config = join(folder, "mosquitto.conf");
  const asks =
    proof === "password"
      ? [`password_file ${passwords}`]
      : ["require_certificate true", "use_identity_as_username true"];
  await writeFile(
    config,
    [
      // As root it would become a user that cannot read this folder.
      ...(process.getuid?.() === 0 ? ["user root"] : []),
      "log_dest stderr",
      "log_type all",
      `listener ${port} 127.0.0.1`,
      "allow_anonymous false",
      `cafile ${join(folder, "ca", "ca.crt")}`,
      `certfile ${join(folder, "ca", "server.crt")}`,
      `keyfile ${join(folder, "ca", "server.key")}`,
      ...asks,
      "",
    ].join("\n"),
  );
  const log: string[] = [];
  let stop = await start();
  t.after(() => stop());

  async function start(): Promise<() => Promise<void>> {
    const child = spawn(find("mosquitto")!, ["-c", config], { stdio: ["ignore", "ignore", "pipe"] });
    const ended = once(child, "exit");
    await new Promise<void>((resolve, reject) => {
      createInterface(child.stderr).on("line", (line) => {
        log.push(line);
        if (/mosquitto version \S+ running/.test(line)) resolve();
      });
      child.once("error", reject);
      child.once("exit", () => reject(new Error(`mosquitto ended at once: ${log.join(" | ")}`)));
    });
    return async () => {
      child.kill("SIGTERM");
      await ended;
    };
  }

  return {
    port,
    authority,
    /** One line an event: `Received PUBLISH from box-1 (d0, q1, r0, m2, 'postern/box-1/state', … (64 bytes))`. */
    log,
    stop: () => stop(),
    restart: async () => {
      await stop();
      stop = await start();
    },
    /** The other side of the boxes, by mqtt.js. */
    gateway: async () => {
      const issued = authority.issueDevice("gateway");
      const client = await mqtt.connectAsync(`mqtts://127.0.0.1:${port}`, {
        protocolVersion: 4,
        ca: authority.certificate,
        servername: "localhost",
        reconnectPeriod: 0,
        clientId: "gateway",
        ...(proof === "password"
          ? { username: "gateway", password: mosquittoPassword }
          : { cert: issued.cert, key: issued.key }),
      });
      t.after(() => client.endAsync(true));
      return client;
    },
  };
}
