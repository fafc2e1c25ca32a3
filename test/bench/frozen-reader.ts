/** One device stops reading while commands for it pile up; another's commands must not wait. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import mqtt from "mqtt";
import { Broker } from "../../gateway/broker/broker.ts";
import { CertificateAuthority } from "../../gateway/broker/certificate-authority.ts";
import { silentLogger } from "../../gateway/ports/logger.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import { boxAccount, connectPacket, dial, login, passwordOf } from "../support/mqtt-broker.ts";
import { type Benchmark, row } from "./row.ts";

const commands = 1_000;
const flood = "x".repeat(8_000);

export const benchmark: Benchmark = {
  name: "frozen-reader",
  async run() {
    const folder = await mkdtemp(join(tmpdir(), "postern-bench-"));
    const authority = await CertificateAuthority.open(folder, systemClock);
    const broker = new Broker({
      host: "127.0.0.1",
      port: 0,
      plainPort: 0,
      tls: { ...(await authority.serverCertificate(["localhost"])), ca: authority.certificate },
      devices: ["frozen", "healthy"].map((id) => boxAccount(id)),
      clock: systemClock,
      logger: silentLogger,
    });
    for (const id of ["frozen", "healthy"]) broker.link(id).onMessage(async () => undefined);
    await broker.start();
    const port = broker.address!.plainPort!;
    try {
      const frozen = await dial(port);
      await login(frozen, connectPacket("frozen"));
      await frozen.subscribe("postern/frozen/command");
      frozen.socket.pause();
      const healthy = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, {
        protocolVersion: 4,
        clientId: "healthy",
        username: "healthy",
        password: passwordOf("healthy"),
      });
      await healthy.subscribeAsync("postern/healthy/command", { qos: 1 });
      let worst = 0;
      for (let command = 0; command < commands; command += 1) {
        void broker.link("frozen").publish("postern/frozen/command", flood);
        const arrived = new Promise<void>((resolve) => healthy.once("message", () => resolve()));
        const began = performance.now();
        await broker.link("healthy").publish("postern/healthy/command", "{}");
        await arrived;
        worst = Math.max(worst, performance.now() - began);
      }
      await healthy.endAsync(true);
      frozen.end();
      return [row("one reader frozen: the other's worst delay", worst, "ms", "≤ 50 ms", worst <= 50)];
    } finally {
      await broker.stop();
      await rm(folder, { recursive: true });
    }
  },
};
