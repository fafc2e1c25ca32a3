/** The driver nuki-mqtt at the real broker, a simulated lock that comes by its own MQTT, and one clock for all that runs ahead of the real one. */
import type { TestContext } from "node:test";
import { Faults } from "../../firmware-sim/faults.ts";
import type { SimNukiOptions } from "../../firmware-sim/sim-nuki.ts";
import { SimNuki } from "../../firmware-sim/sim-nuki.ts";
import { nukiMqtt } from "../../gateway/drivers/nuki-mqtt/driver.ts";
import { type Logger, silentLogger } from "../../gateway/ports/logger.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { givenDriverContext } from "./driver-context.ts";
import { givenBroker, passwordOf } from "./mqtt-broker.ts";
import type { SimClock } from "./sim-clock.ts";
import { until } from "./until.ts";

/** Type 4 in front, then 0x1A2B3C4D. */
const smartlockId = 4 * 2 ** 32 + 0x1a2b3c4d;
/** What a simulated firmware needs to come to the broker. */
export type Firmware = (parts: {
  readonly lock: SimNuki;
  readonly broker: { readonly host: string; readonly port: number };
  readonly login: { readonly username: string; readonly password: string };
  readonly faults: Faults;
  readonly clock: SimClock;
  readonly logger: Logger;
}) => { readonly connected: boolean; start(): void; stop(): Promise<void> };

/** Nobody is started yet. */
export async function givenNukiMqttSite<Link extends ReturnType<Firmware>>(
  t: TestContext,
  options: object,
  firmware: (parts: Parameters<Firmware>[0]) => Link,
  lockOptions: Partial<SimNukiOptions> = {},
) {
  const id = "front";
  const { clock, context, logged, pass, end } = givenDriverContext({});
  const dialect = nukiMqtt.create(id, options, context).mqtt;
  if (!dialect) throw new Error("it talks through the broker");
  const account = { id, dialect, password: new SecretString(passwordOf(id)) };
  const site = await givenBroker(t, {}, [account], { plainLan: { host: "127.0.0.1", port: 0 } });
  site.deafen();
  const line = site.broker.link(id);
  const sent: string[] = [];
  const device = nukiMqtt.create(id, options, {
    ...context,
    mqtt: {
      publish: async (topic, payload, late) => {
        const isSent = await line.publish(topic, payload, late);
        if (isSent) sent.push(`${topic} ${payload}`);
        return isSent;
      },
      onMessage: (listener) => line.onMessage(listener),
      onSubscribed: (listener) => line.onSubscribed(listener),
      onConnection: (listener) => line.onConnection(listener),
    },
  });
  const lock = new SimNuki({ id: smartlockId, name: "Front door", clock, ...lockOptions });
  const faults = new Faults();
  const link = firmware({
    ...{ lock, faults, clock },
    broker: { host: "127.0.0.1", port: site.plainLanPort },
    login: { username: id, password: passwordOf(id) },
    logger: silentLogger,
  });
  const subscribed = new Set<string>();
  line.onSubscribed((topic) => subscribed.add(topic));
  t.after(async () => {
    await device.stop();
    await link.stop();
    await end();
  });
  return {
    ...{ broker: site.broker, clock, device, lock, faults, link, sent, logged, dialect, id, port: site.plainLanPort },
    /** It comes, and can be told all that the driver may tell it. */
    appear: async () => {
      subscribed.clear();
      link.start();
      await until("the device is online", () => device.status().link === "online");
      await until("it hears commands", () => [...subscribed].some((topic) => /\/(lockAction|action)$/.test(topic)));
    },
    vanish: async () => {
      await link.stop();
      await until("the driver notices", () => device.status().link === "offline");
    },
    pass,
    /** All deadlines that fall into it, at once. */
    leap: (ms: number) => {
      const at = clock.monotonic() + ms;
      while (clock.step(at));
    },
  };
}
