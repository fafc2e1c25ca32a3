/** A lockbox by hand: checks a command's signature with its own few lines and says what the test tells it to say. */
import { createHmac } from "node:crypto";
import type { TestContext } from "node:test";
import type mqtt from "mqtt";
import type { BoltState } from "../../gateway/domain/access-point.ts";
import { mqttLockbox } from "../../gateway/drivers/mqtt-lockbox/driver.ts";
import { type Logger, silentLogger } from "../../gateway/ports/logger.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { givenBroker } from "./mqtt-broker.ts";
import { SimClock } from "./sim-clock.ts";
import { until } from "./until.ts";

const key = Buffer.alloc(32, 0x5a);

export interface Heard {
  readonly id: string;
  readonly action: string;
  readonly boot: number;
  readonly notAfterUp: number;
  readonly holdMs?: number;
  readonly outcome?: string;
  readonly heartbeatMs?: number;
}

/** The driver with a clock that stands still, at the real broker, and a box that plays along. */
export async function givenLockbox(t: TestContext, options: object = {}, logger: Logger = silentLogger) {
  const site = await givenBroker(t);
  site.deafen();
  const clock = new SimClock(Date.UTC(2031, 2, 4));
  const device = mqttLockbox.create("box-1", options, {
    clock,
    logger,
    mqtt: site.broker.link("box-1"),
    secret: (name) => (name === "key" ? new SecretString(key.toString("base64url")) : undefined),
  });
  const box = new LockboxPlayer(() => site.mqttjs("box-1", { will: gone }), clock);
  return { site, clock, device, box };
}

const gone = {
  topic: "postern/box-1/presence",
  payload: Buffer.from('{"online":false}'),
  qos: 1 as const,
  retain: false,
};

export class LockboxPlayer {
  /** Release, secure, identify and feedback, in the order they came; configure apart. */
  readonly heard: Heard[] = [];
  readonly configured: Heard[] = [];
  meet: "obey" | "refuse" | "ignore" | "obey-unmoved" = "obey";
  bolt: BoltState = "secured";
  door = "closed";
  boot = 1;
  /** The box's clock at monotonic 0 of the gateway. */
  startedAt = 1_000;
  #seq = 0;
  #client: mqtt.MqttClient | undefined;
  readonly #dial: () => Promise<mqtt.MqttClient>;
  readonly #clock: SimClock;

  constructor(dial: () => Promise<mqtt.MqttClient>, clock: SimClock) {
    this.#dial = dial;
    this.#clock = clock;
  }

  get up(): number {
    return this.startedAt + this.#clock.monotonic();
  }

  get stamp() {
    this.#seq += 1;
    return { boot: this.boot, seq: this.#seq, up: this.up };
  }

  /** Connects, subscribes, says hello and how it stands; resolves when all that is acknowledged and it has been configured. */
  async appear(): Promise<void> {
    const client = await this.#dial();
    this.#client = client;
    client.on("message", (_topic, payload) => this.#hear(payload.toString()));
    await client.subscribeAsync("postern/box-1/command", { qos: 1 });
    const before = this.configured.length;
    await this.say("presence", { online: true, boot: this.boot, up: this.up, firmware: "1.2.3" });
    await this.state();
    await until("the box is configured", () => this.configured.length > before);
  }

  /** As when the power goes. */
  vanish(): void {
    this.#client?.stream.destroy();
  }

  async leave(): Promise<void> {
    await this.#client?.endAsync();
  }

  async say(name: string, message: object): Promise<void> {
    await this.raw(name, JSON.stringify(message));
  }

  async raw(name: string, payload: string): Promise<void> {
    await this.#client?.publishAsync(`postern/box-1/${name}`, payload, { qos: name === "heartbeat" ? 0 : 1 });
  }

  state(): Promise<void> {
    return this.say("state", { ...this.stamp, bolt: this.bolt, door: this.door });
  }

  press(value: string): Promise<void> {
    return this.say("attempt", { ...this.stamp, kind: "pin", value });
  }

  reply(id: string, result: string): Promise<void> {
    return this.say("reply", { ...this.stamp, id, result, bolt: this.bolt, door: this.door });
  }

  #hear(payload: string): void {
    const [, text = "", mac] = /^(.*),"mac":"([0-9a-f]{64})"}$/.exec(payload) ?? [];
    if (createHmac("sha256", key).update(text).digest("hex") !== mac) throw new Error("a command is not signed");
    const command: Heard = JSON.parse(payload);
    (command.action === "configure" ? this.configured : this.heard).push(command);
    if (command.action === "configure") return void this.reply(command.id, "done");
    if (this.meet === "ignore" || command.action === "feedback") return;
    if (this.meet === "obey" && command.action !== "identify")
      this.bolt = command.action === "release" ? "released" : "secured";
    void this.reply(command.id, this.meet === "refuse" ? "refused" : "done");
  }
}
