/**
 * The gateway's side of what is measured under load, in a process of its own: site, lockbox drivers and broker over the data folder
 * given, without the bounds that one machine playing all devices would run into. Answers `resident` and `unlock <times>`.
 */
import { createInterface } from "node:readline";
import { Broker } from "../../gateway/broker/broker.ts";
import { CertificateAuthority } from "../../gateway/broker/certificate-authority.ts";
import { mqttLockbox } from "../../gateway/drivers/mqtt-lockbox/driver.ts";
import { carryOutCommand } from "../../gateway/flows/remote-command.ts";
import { recentEvents } from "../../gateway/http/recent-events.ts";
import { silentLogger } from "../../gateway/ports/logger.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { boxAccount } from "../support/mqtt-broker.ts";
import { startSiteOf } from "./bench-site.ts";

const folder = process.argv[2]!;
const boxes = Array.from({ length: Number(process.argv[3]) }, (_, box) => `box-${box}`);
const key = new SecretString(Buffer.alloc(32, 7).toString("base64url"));

const authority = await CertificateAuthority.open(folder, systemClock);
const broker = new Broker({
  host: "127.0.0.1",
  port: 0,
  plainPort: 0,
  tls: {
    ...(await authority.serverCertificate(["localhost"])),
    ca: authority.certificate,
    ticketKeys: await authority.ticketKeys(),
  },
  devices: boxes.map((id) => boxAccount(id, { certificate: true })),
  limits: { connections: 5_000, arrivalsPerNetwork: 5_000, packets: { perSecond: 1e6, burst: 1e6 } },
  clock: systemClock,
  logger: silentLogger,
});
const { parts } = await startSiteOf(
  folder,
  boxes.map((id) =>
    mqttLockbox.create(id, {}, { clock: systemClock, logger: silentLogger, mqtt: broker.link(id), secret: () => key }),
  ),
);
await broker.start();
console.log(JSON.stringify(broker.address));

for await (const question of createInterface({ input: process.stdin })) {
  const [what, times] = question.split(" ");
  if (what === "resident") console.log(JSON.stringify({ residentMb: process.memoryUsage().rss / 1e6 }));
  if (what === "unlock") console.log(JSON.stringify({ tookMs: await unlocks(Number(times)) }));
}
process.exit(0); // whoever asked is gone

/** Each from the command's arrival until the lockbox's reply, and what it came to, are on the disk. */
async function unlocks(times: number): Promise<number[]> {
  const took: number[] = [];
  for (let time = 0; time < times; time += 1) {
    const askedAt = systemClock.monotonic();
    const id = parts.records.lastCommand + 1;
    const command = { id, accessPoint: "box-0", action: "unlock", ageMs: 0, ttlMs: 10_000, by: "bench" } as const;
    const began = performance.now();
    await carryOutCommand(parts, { command, askedAt, answeredAt: askedAt, heldMs: 0 });
    await parts.journal.flushed();
    took.push(performance.now() - began);
    const ended = (await recentEvents(parts.journal, 8)).find(({ type }) => type === "command-ended");
    if (ended?.type !== "command-ended" || ended.command !== id || ended.result !== "confirmed")
      throw new Error(`not unlocked: ${JSON.stringify(ended)}`);
  }
  return took;
}
