/** A maker's simulated device at the real broker, its driver's place taken by the test: all it says is kept, and it is told what the test tells. */
import type { TestContext } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { DeviceId } from "../../gateway/domain/access-point.ts";
import type { MqttDialect } from "../../gateway/ports/mqtt-link.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { givenBroker, passwordOf } from "./mqtt-broker.ts";
import { SimClock } from "./sim-clock.ts";
import { until } from "./until.ts";

/** A Tuesday. */
export const noon = Date.UTC(2031, 2, 4, 12);

export async function givenMakersBroker(
  t: TestContext,
  dialect: Pick<MqttDialect, "base" | "publishes" | "subscribes" | "will">,
) {
  const id: DeviceId = "front";
  const whole: MqttDialect = { ...dialect, ignores: [dialect.base, "homeassistant"], clientId: "any", tls: "never" };
  const account = { id, dialect: whole, password: new SecretString(passwordOf(id)) };
  const site = await givenBroker(t, {}, [account], { plainLan: { host: "127.0.0.1", port: 0 } });
  const link = site.broker.link(id);
  const clock = new SimClock(noon);
  const topic = (name: string) => `${dialect.base}/${name}`;
  const lineOf = (one: { readonly topic: string; readonly payload: string }) =>
    `${one.topic.slice(dialect.base.length + 1)} ${one.payload}`;
  /** What it has said since the last look, as "name payload". */
  const said = () => site.received.splice(0).map(lineOf);
  /** How often it has said this since then. */
  const count = (line: string) => site.received.filter((one) => lineOf(one) === line).length;
  return {
    ...{ broker: site.broker, clock, said, count, link },
    at: { host: "127.0.0.1", port: site.plainLanPort },
    login: { username: id, password: passwordOf(id) },
    /** Waits until the device has subscribed to what it is told with. */
    tell: async (name: string, payload: string) => {
      await until(`${name} can be told`, () => link.publish(topic(name), payload));
    },
    until: (line: string) => until(`it says ${line}`, () => count(line) > 0),
    /** So much time goes by for the device; everything it then does is done. */
    pass: async (ms: number) => {
      const end = clock.monotonic() + ms;
      while (clock.step(end)) await turn();
      await turn();
    },
  };
}
