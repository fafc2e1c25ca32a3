/** What a simulated box does on the wire: seen by Mosquitto, and by a broker by hand that acknowledges only what it is told to. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { describe, type TestContext, test } from "node:test";
import mqttPacket, { type IConnectPacket, type IPublishPacket, type Packet } from "mqtt-packet";
import { type FaultRates, Faults } from "../../../firmware-sim/faults.ts";
import { type BoxProof, LockboxLink } from "../../../firmware-sim/links/mqtt-lockbox.ts";
import type { BrokerAt } from "../../../firmware-sim/links/mqtt-session.ts";
import { answerMs, SimLockbox } from "../../../firmware-sim/sim-lockbox.ts";
import type { LogFields, Logger } from "../../../gateway/ports/logger.ts";
import { silentLogger } from "../../../gateway/ports/logger.ts";
import { type LockboxCommand, signCommand } from "../../../gateway/wire/lockbox.ts";
import { givenMosquitto, mosquittoPassword } from "../../support/mosquitto.ts";
import { missing } from "../../support/needs.ts";
import { SimClock } from "../../support/sim-clock.ts";
import { until } from "../../support/until.ts";

const key = Buffer.alloc(32, 3);

function givenBox(t: TestContext, options: BoxOptions) {
  const { broker, proof = { password: mosquittoPassword }, rates = {}, logger = silentLogger } = options;
  const clock = new SimClock(Date.UTC(2031, 2, 4, 12));
  const box = new SimLockbox({ id: "box-1", key, clock });
  const faults = new Faults(rates, 7);
  const link = new LockboxLink({ box, broker, proof, faults, clock, logger });
  t.after(() => link.stop());
  link.start();
  return {
    box,
    link,
    clock,
    faults,
    /** Lets the box's time pass wherever it would wait, until this holds. */
    meanwhile: (what: string, holds: () => boolean) =>
      until(what, () => {
        if (!holds() && clock.nextAt !== undefined) clock.step(clock.monotonic() + 500);
        return holds();
      }),
    pass: (ms: number) => {
      const end = clock.monotonic() + ms;
      while (clock.step(end));
    },
  };
}

interface BoxOptions {
  readonly broker: BrokerAt;
  readonly proof?: BoxProof;
  readonly rates?: Partial<FaultRates>;
  readonly logger?: Logger;
}

let ids = 0;
type Act = { readonly action: "release"; readonly holdMs: number } | { readonly action: "secure" };

/** Valid for the box's first boot and three seconds. */
function aCommand(act: Act, up = 0): string {
  const facts = { id: `c-${++ids}`, device: "box-1", boot: 1, notAfterUp: Math.floor(up) + 3_000 };
  return signCommand({ ...facts, ...act } as LockboxCommand, key);
}

const notHere = missing("mosquitto");

describe("a box at Mosquitto", { skip: notHere }, () => {
  async function givenSite(t: TestContext, proof: "password" | "certificate" = "password") {
    const mosquitto = await givenMosquitto(t, proof);
    const heard: { readonly topic: string; readonly payload: string; readonly retain: boolean }[] = [];
    const listen = async () => {
      const gateway = await mosquitto.gateway();
      gateway.on("message", (topic, payload, { retain }) => heard.push({ topic, payload: String(payload), retain }));
      await gateway.subscribeAsync("postern/+/+", { qos: 1 });
      return gateway;
    };
    const gateway = await listen();
    const broker = {
      host: "127.0.0.1",
      port: mosquitto.port,
      caPem: mosquitto.authority.certificate,
      servername: "localhost",
    };
    const named = (name: string) =>
      heard.filter(({ topic }) => topic === `postern/box-1/${name}`).map(({ payload }) => JSON.parse(payload));
    return { mosquitto, gateway, listen, broker, heard, named };
  }

  test("says who it is and how it stands, in this order, with QoS 1 and nothing retained", async (t) => {
    const { mosquitto, broker, heard, listen } = await givenSite(t);
    const { box, pass } = givenBox(t, { broker });
    await until("the box has spoken", () => heard.length >= 3);

    assert.deepEqual(
      heard.map(({ topic }) => topic),
      ["presence", "state", "battery"].map((name) => `postern/box-1/${name}`),
    );
    box.enterPin("471199");
    pass(300_000);
    await until("the press and a heartbeat are there", () =>
      ["attempt", "heartbeat"].every((name) => heard.some(({ topic }) => topic.endsWith(name))),
    );

    const received = mosquitto.log.filter((line) => line.includes("Received PUBLISH from box-1"));
    for (const line of received) assert.match(line, line.includes("/heartbeat'") ? /\(d0, q0, r0,/ : /\(d0, q1, r0,/);
    assert(received.length >= 5);
    const before = heard.length;
    await (await listen()).publishAsync("postern/box-2/command", "the last that a late listener could get");
    await until("the mark is heard", () => heard.some(({ topic }) => topic === "postern/box-2/command"));
    assert.deepEqual(
      heard.slice(before).filter(({ retain }) => retain),
      [],
    );
  });

  test("a press goes up, a signed release comes down, the answer carries the state after it", async (t) => {
    const { gateway, broker, named } = await givenSite(t);
    const { box } = givenBox(t, { broker });
    await until("the box is there", () => named("battery").length > 0);

    box.enterPin("471199");
    await until("the press is there", () => named("attempt").length > 0);
    const command = aCommand({ action: "release", holdMs: 5_000 });
    await gateway.publishAsync("postern/box-1/command", command, { qos: 1 });
    await gateway.publishAsync("postern/box-1/command", command, { qos: 1 });
    await until("both are answered", () => named("reply").length === 2);

    assert.deepEqual([named("attempt")[0].kind, named("attempt")[0].value], ["pin", "471199"]);
    assert.deepEqual(
      named("reply").map(({ result, bolt, door }) => `${result} ${bolt} ${door}`),
      ["done released closed", "repeated released closed"],
    );
    assert.equal(box.view().bolt, "released");
  });

  test("without power the last will says so, with power it is a new boot", async (t) => {
    const { broker, named } = await givenSite(t);
    const { box, link, meanwhile } = givenBox(t, { broker });
    await until("the box is there", () => named("battery").length > 0);
    assert.equal(link.connected, true);

    box.cutPower();
    await until("the will is there", () => named("presence").length === 2);
    assert.equal(link.connected, false);
    box.restorePower();
    await meanwhile("the box is back", () => named("presence").length === 3);

    const [first, will, second] = named("presence");
    assert.deepEqual([first.boot, will, second.boot], [1, { online: false }, 2]);
  });

  test("comes back by itself after the broker was away", async (t) => {
    const { mosquitto, broker, named, listen } = await givenSite(t);
    const { link, meanwhile } = givenBox(t, { broker });
    await until("the box is there", () => named("battery").length > 0);

    await mosquitto.stop();
    await until("the box has noticed", () => !link.connected);
    await mosquitto.restart();
    await listen();
    await meanwhile("the box is back", () => link.connected);
  });

  test("a certificate proves as much as a password", async (t) => {
    const { mosquitto, broker, named } = await givenSite(t, "certificate");
    const { cert, key: keyPem } = mosquitto.authority.issueDevice("box-1");

    givenBox(t, { broker, proof: { certPem: cert, keyPem } });

    await until("the box is there", () => named("presence").length > 0);
    assert(mosquitto.log.some((line) => /New client connected from .* as box-1 .*u'box-1'/.test(line)));
  });

  for (const [what, wrong, why] of [
    ["its password is wrong", { proof: { password: "not-the-password-0123" } }, /not authori[sz]ed/i],
    ["the broker's name is another", { servername: "elsewhere" }, /altnames/],
    ["nobody it trusts signed the broker's certificate", { strangerCa: true }, /certificate/],
  ] as const)
    test(`stays out and keeps trying, without a secret in its log, when ${what}`, async (t) => {
      const { broker, heard } = await givenSite(t);
      const stranger = await givenMosquitto(t, "password");
      const lines: LogFields[] = [];
      const { link, meanwhile } = givenBox(t, {
        broker: {
          ...broker,
          ...("servername" in wrong && { servername: wrong.servername }),
          ...("strangerCa" in wrong && { caPem: stranger.authority.certificate }),
        },
        ...("proof" in wrong && { proof: wrong.proof }),
        logger: collecting(lines),
      });

      await meanwhile("it has tried three times", () => lines.length >= 3);

      assert.equal(link.connected, false);
      assert.deepEqual(heard, []);
      for (const line of lines) assert.match(String(line.why), why);
      assert.doesNotMatch(JSON.stringify(lines), /password-0123/);
    });
});

describe("a box at a broker by hand", () => {
  test("introduces itself as the wire says: MQTT 3.1.1, clean session, its own id, a will", async (t) => {
    const broker = await BrokerByHand.start(t);
    givenBox(t, { broker: broker.at });
    const session = await broker.session(1);

    const { protocolVersion, clean, clientId, username, will } = session.connect;
    assert.deepEqual(
      { protocolVersion, clean, clientId, username },
      {
        protocolVersion: 4,
        clean: true,
        clientId: "box-1",
        username: "box-1",
      },
    );
    assert.deepEqual(
      { ...will, payload: String(will?.payload) },
      { topic: "postern/box-1/presence", payload: '{"online":false}', qos: 1, retain: false },
    );
    await until("it has subscribed", () => session.filters.length > 0);
    assert.deepEqual(session.filters, ["postern/box-1/command"]);
  });

  test("a press that was not acknowledged is sent again on the next connection, the same message, until it is", async (t) => {
    const broker = await BrokerByHand.start(t);
    const { box, meanwhile } = givenBox(t, { broker: broker.at });
    const first = await broker.session(1);
    await first.heard("battery");
    broker.silentOn.add("attempt");
    box.enterPin("471199");
    const [pressed] = await first.heard("attempt");

    first.socket.destroy();
    await meanwhile("it is back", () => broker.sessions.length === 2);
    const second = await broker.session(2);
    const [again] = await second.heard("attempt");
    assert.equal(again, pressed);
    broker.silentOn.clear();
    second.socket.destroy();
    await meanwhile("it is back", () => broker.sessions.length === 3);
    const third = await broker.session(3);
    assert.deepEqual(await third.heard("attempt"), [pressed]);
    await third.settled();
    third.socket.destroy();
    await meanwhile("it is back", () => broker.sessions.length === 4);

    const fourth = await broker.session(4);
    await fourth.heard("battery");
    await fourth.settled();
    assert.deepEqual(fourth.said("attempt"), []);
  });

  test("a press is worth sending for five seconds and not a moment longer", async (t) => {
    const broker = await BrokerByHand.start(t);
    const { box, clock, pass, meanwhile } = givenBox(t, { broker: broker.at });
    const first = await broker.session(1);
    await first.heard("battery");
    broker.silentOn.add("attempt");
    box.enterPin("471199");
    await first.heard("attempt");
    const pressedAt = clock.monotonic();

    broker.lettingIn = false;
    first.socket.destroy();
    pass(answerMs + 1);
    broker.lettingIn = true;
    await meanwhile("it is back", () => broker.sessions.length === 2);

    assert(clock.monotonic() > pressedAt + answerMs);
    const second = await broker.session(2);
    await second.heard("battery");
    await second.settled();
    assert.deepEqual(second.said("attempt"), []);
  });

  test("an answer and a tampering that were not acknowledged are told again, a state is told anew", async (t) => {
    const broker = await BrokerByHand.start(t);
    const { box, meanwhile } = givenBox(t, { broker: broker.at });
    const first = await broker.session(1);
    await first.heard("battery");
    for (const name of ["reply", "tamper", "state"]) broker.silentOn.add(name);
    first.publish(aCommand({ action: "release", holdMs: 60_000 }));
    const [reply] = await first.heard("reply");
    box.pryOpen();
    const [tamper] = await first.heard("tamper");
    broker.silentOn.clear();

    first.socket.destroy();
    await meanwhile("it is back", () => broker.sessions.length === 2);
    const second = await broker.session(2);

    assert.deepEqual(await second.heard("reply"), [reply]);
    assert.deepEqual(await second.heard("tamper"), [tamper]);
    await second.settled();
    const states = second.said("state").map((payload) => JSON.parse(payload));
    assert.deepEqual(
      states.map(({ bolt, door }) => `${bolt} ${door}`),
      ["released open"],
    );
    assert.deepEqual(
      second.numbers,
      second.numbers.toSorted((a, b) => a - b),
    );
  });

  test("a command that the broker delivers twice or keeps for it is obeyed once", async (t) => {
    const broker = await BrokerByHand.start(t);
    const { box } = givenBox(t, { broker: broker.at });
    const session = await broker.session(1);
    await session.heard("battery");
    const release = aCommand({ action: "release", holdMs: 5_000 });

    session.publish(release);
    session.publish(aCommand({ action: "secure" }));
    session.publish(release, { dup: true, retain: true });
    await until("all are answered", () => session.said("reply").length === 3);

    const results = session.said("reply").map((payload) => JSON.parse(payload).result);
    assert.deepEqual(results, ["done", "done", "repeated"]);
    assert.equal(box.view().bolt, "secured");
  });

  test("stop() hangs up without a word and ends every try, also while the broker does not answer", async (t) => {
    const broker = await BrokerByHand.start(t);
    const { link } = givenBox(t, { broker: broker.at });
    const session = await broker.session(1);
    await session.heard("battery");

    await link.stop();
    await until("the connection ends", () => session.socket.closed);
    assert.equal(session.goodbyes, 0);
    broker.lettingIn = false;
    broker.mute = true;
    link.start();
    await until("it knocks", () => broker.knocks >= 2);
    await link.stop();
  });

  test("the faults act on both directions, and the box still obeys at most once", async (t) => {
    const broker = await BrokerByHand.start(t);
    const { box, faults, pass } = givenBox(t, { broker: broker.at });
    const session = await broker.session(1);
    await session.heard("battery");
    const replies = () => session.said("reply").map((payload) => JSON.parse(payload).result);
    const release = () => session.publish(aCommand({ action: "release", holdMs: 5_000 }));
    const suffer = (rates: Partial<FaultRates>) => {
      faults.rates = { ...faults.rates, lose: 0, repeat: 0, noReply: 0, lateReplyMs: 0, garble: 0, ...rates };
    };

    suffer({ repeat: 1 });
    release();
    await until("all copies are answered", () => replies().length === 4);
    assert.deepEqual(replies().toSorted(), ["done", "done", "repeated", "repeated"]);

    suffer({ noReply: 1 });
    session.publish(aCommand({ action: "secure" }));
    await until("it obeyed", () => box.view().bolt === "secured");
    await session.settled();
    assert.equal(replies().length, 4);

    suffer({ lateReplyMs: 900 });
    release();
    await until("it obeyed", () => box.view().bolt === "released");
    await session.settled();
    assert.equal(replies().length, 4);
    pass(900);
    await until("the answer comes late", () => replies().length === 5);

    suffer({ garble: 1 });
    session.publish(aCommand({ action: "secure" }));
    await session.settled();
    assert.equal(box.view().bolt, "released");

    suffer({ lose: 1 });
    session.publish(aCommand({ action: "secure" }));
    box.enterPin("471199");
    await session.settled();
    assert.equal(box.view().bolt, "released");
    assert.deepEqual(session.said("attempt"), []);
  });
});

describe("faults", () => {
  test("one seed, one story; another seed, another", () => {
    const rates = { lose: 0.2, delayMs: 500, repeat: 0.2, garble: 0.2, disconnect: 0.1, noReply: 0.1 };
    const story = (seed: number) => {
      const faults = new Faults(rates, seed);
      return Array.from({ length: 100 }, (_, index) => faults.pass(`message ${index}`, index % 3 === 0));
    };

    assert.deepEqual(story(1), story(1));
    assert.notDeepEqual(story(1), story(2));
  });

  test("a thousand messages suffer about as often as the rates say, and garbling changes one character", () => {
    const faults = new Faults({ lose: 0.2, repeat: 0.3, garble: 0.1, delayMs: 100 }, 5);
    const sent = '{"boot":1,"seq":2,"up":3}';
    const passages = Array.from({ length: 1_000 }, () => faults.pass(sent));
    const copies = passages.flatMap((passage) => passage.copies);
    const share = (part: number, of: number) => Math.round((100 * part) / of);

    assert(Math.abs(share(passages.filter((passage) => passage.copies.length === 0).length, 1_000) - 20) <= 5);
    assert(Math.abs(share(copies.length, 1_000) - 104) <= 8);
    const garbled = copies.filter(({ payload }) => payload !== sent);
    assert(Math.abs(share(garbled.length, copies.length) - 10) <= 4);
    const always = new Faults({ garble: 1 }, 5);
    const wrong = Array.from({ length: 1_000 }, () => always.pass(sent)).flatMap((passage) => passage.copies);
    for (const { payload } of [...garbled, ...wrong])
      assert.equal([...payload].filter((character, index) => character !== sent[index]).length, 1);
    assert(copies.some(({ afterMs }, index) => index > 0 && afterMs < copies[index - 1]!.afterMs));
    assert(copies.every(({ afterMs }) => afterMs >= 0 && afterMs <= 100));
  });
});

function collecting(lines: LogFields[]): Logger {
  const write = (event: string, fields: LogFields = {}) => void lines.push({ event, ...fields });
  const logger: Logger = { debug: write, info: write, warn: write, error: write, child: () => logger };
  return logger;
}

/** Lets boxes in, notes what they say, and acknowledges all but what it is told to keep silent about. */
class BrokerByHand {
  readonly sessions: Session[] = [];
  /** Message names that are taken and never acknowledged. */
  readonly silentOn = new Set<string>();
  lettingIn = true;
  /** Not even a CONNACK. */
  mute = false;
  knocks = 0;
  readonly at: BrokerAt;

  private constructor(port: number) {
    this.at = { host: "127.0.0.1", port };
  }

  static async start(t: TestContext): Promise<BrokerByHand> {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => undefined);
      broker.#welcome(socket);
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const broker = new BrokerByHand((server.address() as AddressInfo).port);
    t.after(() => {
      server.close();
      for (const socket of sockets) socket.destroy();
    });
    return broker;
  }

  /** The box's n-th connection that was let in. */
  async session(n: number): Promise<Session> {
    await until(`connection ${n} is there`, () => this.sessions.length >= n);
    return this.sessions[n - 1]!;
  }

  #welcome(socket: Socket): void {
    this.knocks += 1;
    if (!this.lettingIn && !this.mute) return void socket.destroy();
    const parser = mqttPacket.parser({ protocolVersion: 4 });
    let session: Session | undefined;
    parser.on("packet", (packet: Packet) => {
      if (packet.cmd === "connect" && !this.mute) {
        session = new Session(socket, packet);
        session.send({ cmd: "connack", returnCode: 0, sessionPresent: false });
        this.sessions.push(session);
      } else session?.take(packet, this.silentOn);
    });
    socket.on("data", (bytes: Buffer) => parser.parse(bytes));
  }
}

class Session {
  readonly socket: Socket;
  readonly connect: IConnectPacket;
  readonly filters: string[] = [];
  readonly #published: { readonly name: string; readonly payload: string }[] = [];
  goodbyes = 0;
  #messageId = 0;
  #acknowledged = 0;

  constructor(socket: Socket, connect: IConnectPacket) {
    this.socket = socket;
    this.connect = connect;
  }

  /** In the order it said them. */
  get numbers(): number[] {
    return this.#published.flatMap(({ payload }) => JSON.parse(payload).seq ?? []);
  }

  said(name: string): string[] {
    return this.#published.filter((one) => one.name === name).map(({ payload }) => payload);
  }

  /** What it has said under this name once it has said anything. */
  async heard(name: string): Promise<string[]> {
    await until(`the box says its ${name}`, () => this.said(name).length > 0);
    return this.said(name);
  }

  publish(payload: string, flags: Partial<IPublishPacket> = {}): void {
    this.#messageId += 1;
    const topic = "postern/box-1/command";
    this.send({
      cmd: "publish",
      topic,
      payload,
      qos: 1,
      dup: false,
      retain: false,
      messageId: this.#messageId,
      ...flags,
    });
  }

  /** A message and its acknowledgement: whatever the box had to say to earlier ones is here. */
  async settled(): Promise<void> {
    this.publish("not a command");
    await until("the box has acknowledged", () => this.#acknowledged === this.#messageId);
  }

  send(packet: Packet): void {
    this.socket.write(mqttPacket.generate(packet));
  }

  take(packet: Packet, silentOn: ReadonlySet<string>): void {
    if (packet.cmd === "subscribe") {
      this.filters.push(...packet.subscriptions.map(({ topic }) => topic));
      this.send({ cmd: "suback", messageId: packet.messageId ?? 0, granted: [1] });
    }
    if (packet.cmd === "puback") this.#acknowledged = Math.max(this.#acknowledged, packet.messageId ?? 0);
    if (packet.cmd === "disconnect") this.goodbyes += 1;
    if (packet.cmd !== "publish") return;
    const name = packet.topic.split("/").at(-1) ?? "";
    this.#published.push({ name, payload: String(packet.payload) });
    if (packet.qos === 1 && !silentOn.has(name)) this.send({ cmd: "puback", messageId: packet.messageId ?? 0 });
  }
}
