/** The simulator as a program: boxes at the real broker, its API as a script uses it, gateway and cloud told by hand. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, request } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, type TestContext, test } from "node:test";
import { noFaults } from "../../firmware-sim/faults.ts";
import { startInternet } from "../../firmware-sim/internet.ts";
import { type SimulatorOptions, startSimulator } from "../../firmware-sim/main.ts";
import type { PlayedActs, PlayedLock, PlayedView } from "../../firmware-sim/played-lock.ts";
import type { SiteState } from "../../firmware-sim/site-state.ts";
import { silentLogger } from "../../gateway/ports/logger.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import { givenBroker, passwordOf } from "../support/mqtt-broker.ts";
import { SimClock } from "../support/sim-clock.ts";
import { until } from "../support/until.ts";

const adminToken = "admin-token-that-stays-with-the-server";
const keyText = Buffer.alloc(32, 9).toString("base64url");

/** `answers`: path → JSON; undefined: takes the request and never answers. */
async function givenService(t: TestContext, answers: Record<string, unknown>) {
  const asked: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    asked.push(request);
    const answer = answers[new URL(request.url ?? "/", "http://here").pathname];
    if (answer !== undefined) response.setHeader("content-type", "application/json").end(JSON.stringify(answer));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const end = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  t.after(end);
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, port, asked, answers, end };
}

function aGateway() {
  return {
    "/api/status": {
      gateway: { id: "g1", name: "Harbour gateway" },
      site: { id: "s1", name: "Harbour Lane 12", zone: "Europe/Lisbon", lockdown: false },
      version: "0.1.0",
      uptimeMs: 60_000,
      clock: { trust: "synced", earliest: Date.UTC(2031, 2, 4), latest: Date.UTC(2031, 2, 4) + 5 },
      sync: { state: "online", lastSyncAgoMs: 900, cursor: { feed: "f", version: 3 }, queue: 1 },
      journal: { state: "open", durableSeq: 2 },
      disk: { freeBytes: 1e9 },
      records: { rows: 4, suspect: false },
      offline: [],
      accessPoints: [
        {
          id: "front",
          name: "Front",
          lock: "box-1",
          bolt: "secured",
          basis: "reported",
          door: "closed",
          lockedOutMs: 0,
        },
      ],
      devices: [],
    },
    "/api/events": {
      events: [
        {
          seq: 2,
          at: 5,
          clock: "synced",
          boot: 1,
          mono: 9,
          type: "released",
          of: 1,
          accessPoint: "front",
          result: "confirmed",
        },
        { seq: 1, at: 4, clock: "synced", boot: 1, mono: 8, type: "boot", version: "0.1.0", cutBytes: 0 },
      ],
    },
  };
}

function aCloud() {
  const event = { gateway: "g1", epoch: 1, seq: 1, type: "boot", accessPoint: null, grant: null, reason: null };
  const times = { at: "2031-03-04T12:00:00.000Z", receivedAt: "2031-03-04T12:00:01.000Z" };
  return { "/api/sites/s1/events": { items: [{ ...event, ...times, body: {} }], next: null } };
}

async function givenSimulator(t: TestContext, options: Partial<SimulatorOptions> = {}) {
  const site = await givenBroker(t);
  const gateway = await givenService(t, aGateway());
  const cloud = await givenService(t, aCloud());
  const simulator = await startSimulator({
    http: { host: "127.0.0.1", port: 0 },
    broker: { host: "127.0.0.1", port: site.port, caPem: site.authority.certificate, servername: "localhost" },
    boxes: [
      { id: "box-1", name: "Front box", password: passwordOf("box-1"), key: keyText },
      { id: "box-2", name: "Back box", password: passwordOf("box-2"), key: keyText },
    ],
    gatewayUrl: gateway.url,
    cloud: { url: cloud.url, adminToken, site: "s1" },
    hints: [{ label: "Guest", pin: "471199", note: "both" }],
    clock: systemClock,
    logger: silentLogger,
    ...options,
  });
  let stopped = false;
  const stop = async () => {
    if (!stopped) await simulator.stop();
    stopped = true;
  };
  t.after(stop);
  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    fetch(simulator.url + path, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
  return {
    ...site,
    gateway,
    cloud,
    url: simulator.url,
    stop,
    state: async (): Promise<SiteState> => (await fetch(`${simulator.url}/api/state`)).json() as Promise<SiteState>,
    post,
    act: async (path: string, body: unknown): Promise<SiteState> => {
      const answer = await post(path, body);
      assert.equal(answer.status, 200, `${path}: ${await answer.clone().text()}`);
      return answer.json() as Promise<SiteState>;
    },
    refusal: async (path: string, body: unknown, headers?: Record<string, string>) => {
      const answer = await post(path, body, headers);
      const { code, detail, errors } = (await answer.json()) as { code: string; detail: string; errors?: unknown };
      return { status: answer.status, code, detail, errors };
    },
    /** The stream's states as they come. */
    stream: async () => {
      const gone = new AbortController();
      t.after(() => gone.abort());
      const answer = await fetch(`${simulator.url}/api/stream`, { signal: gone.signal });
      const states: SiteState[] = [];
      const ended = readStream(answer, states).catch(() => undefined);
      return { status: answer.status, states, ended, hangUp: () => gone.abort() };
    },
  };
}

/** A lock with a hand and nothing else. */
class GardenGate implements PlayedLock {
  readonly id = "gate";
  readonly name = "Gate";
  readonly make = { maker: "Any", kind: "lock", driver: "any", reach: "lan", hand: "Turn it" } as const;
  bolt: "released" | "secured" = "secured";
  readonly acts: PlayedActs = {
    moveDoor: () => undefined,
    setJam: () => undefined,
    setLine: () => undefined,
    turn: (to) => {
      this.bolt = to;
    },
  };
  view(): PlayedView {
    return { powered: true, bolt: this.bolt, door: "closed", jammed: false, line: noFaults };
  }
  onChange() {
    return () => undefined;
  }
}

async function readStream(answer: Response, states: SiteState[]): Promise<void> {
  let text = "";
  for await (const bytes of answer.body!.pipeThrough(new TextDecoderStream())) {
    text += bytes;
    const messages = text.split("\n\n");
    text = messages.pop() ?? "";
    for (const message of messages)
      if (message.startsWith("data: ")) states.push(JSON.parse(message.slice("data: ".length)) as SiteState);
  }
}

const boxOf = (state: SiteState, id = "box-1") => state.boxes.find((box) => box.id === id)!;

describe("the simulator", () => {
  test("shows boxes, gateway and cloud as they are", async (t) => {
    const { stream } = await givenSimulator(t);
    const { states } = await stream();
    const isWhole = ({ boxes, gateway, decided, received }: SiteState) =>
      boxes.every(({ connected }) => connected) && gateway?.reachable && decided.length > 0 && received.length > 0;
    await until("all are there", () => states.some(isWhole));

    const state = states.find(isWhole)!;
    assert.deepEqual(
      state.boxes.map(({ id, name, bolt, door, display }) => [id, name, bolt, door, display]),
      [
        ["box-1", "Front box", "secured", "closed", "Enter code"],
        ["box-2", "Back box", "secured", "closed", "Enter code"],
      ],
    );
    assert.equal(state.gateway?.sync, "online");
    assert.equal(state.gateway?.queue, 1);
    assert.deepEqual(
      state.decided.map(({ seq, type }) => [seq, type]),
      [
        [2, "released"],
        [1, "boot"],
      ],
    );
    assert.deepEqual(
      state.received.map(({ seq, type }) => [seq, type]),
      [[1, "boot"]],
    );
    assert.deepEqual(state.hints, [{ label: "Guest", pin: "471199", note: "both" }]);
  });

  test("a press by the API is an attempt at the broker; a box nobody knows is none", async (t) => {
    const { act, refusal, received } = await givenSimulator(t);
    await until("the boxes are there", () => received.filter(({ topic }) => topic.endsWith("/battery")).length === 2);

    const pressed = await act("/api/boxes/box-2/pin", { digits: "471199" });
    await until("the press is there", () => received.some(({ topic }) => topic.endsWith("/attempt")));
    const press = received.find(({ topic }) => topic.endsWith("/attempt"))!;

    assert.equal(press.device, "box-2");
    assert.equal(JSON.parse(press.payload).value, "471199");
    assert.equal(boxOf(pressed, "box-2").display, "Checking…");
    assert.equal((await refusal("/api/boxes/box-9/pin", { digits: "1" })).status, 404);
  });

  test("each physical act shows in the state that answers it", async (t) => {
    const { act, refusal } = await givenSimulator(t);

    assert.equal(boxOf(await act("/api/boxes/box-1/door", { open: true })).door, "closed");
    assert.equal(boxOf(await act("/api/boxes/box-1/tamper", { active: true })).tamper, true);
    assert.equal(boxOf(await act("/api/boxes/box-1/tamper", { active: false })).door, "closed");
    assert.equal(boxOf(await act("/api/boxes/box-1/jam", { on: true })).jammed, true);
    assert.equal(boxOf(await act("/api/boxes/box-1/jam", { on: false })).jammed, false);
    assert.equal(boxOf(await act("/api/boxes/box-1/battery", { percent: 15 })).batteryPercent, 15);
    assert.deepEqual(boxOf(await act("/api/boxes/box-1/line", { lose: 0.5 })).line, { ...noFaults, lose: 0.5 });
    const slow = await act("/api/boxes/box-1/line", { delayMs: 900 });
    assert.deepEqual(boxOf(slow).line, { ...noFaults, lose: 0.5, delayMs: 900 });
    assert.deepEqual(boxOf(slow, "box-2").line, noFaults);
    const dark = boxOf(await act("/api/boxes/box-1/power", { on: false }));
    assert.deepEqual([dark.powered, dark.display], [false, ""]);
    assert.equal((await refusal("/api/boxes/box-1/pin", { digits: "1" })).code, "no-power");
    assert.equal(boxOf(await act("/api/boxes/box-1/power", { on: true })).powered, true);
  });

  test("a lock of another maker shows what it has and how the gateway reaches it, and takes no wish it has nothing for", async (t) => {
    const lock = new GardenGate();
    const { gateway, act, refusal, state } = await givenSimulator(t, { locks: [lock] });
    const gate = async () => (await state()).locks.find(({ id }) => id === "gate");
    assert.deepEqual(await gate(), {
      ...lock.view(),
      id: "gate",
      name: "Gate",
      make: lock.make,
      connected: false,
      unlock: null,
    });

    gateway.answers["/api/status"] = { ...aGateway()["/api/status"], devices: [{ id: "gate", link: "online" }] };
    await until("the gateway reaches it", async () => (await gate())?.connected === true);
    const turned = await act("/api/locks/gate/turn", { to: "released" });
    assert.equal(turned.locks[0]?.bolt, "released");

    assert.equal((await refusal("/api/locks/gate/turn", { to: "sideways" })).status, 400);
    assert.equal((await refusal("/api/locks/gate/pin", { digits: "1" })).code, "no-such-act");
    assert.equal((await refusal("/api/boxes/gate/turn", { to: "secured" })).code, "no-such-lock");
    assert.equal((await refusal("/api/boxes/box-1/turn", { to: "secured" })).code, "no-such-act");
  });

  test("a lock is unlocked from afar by asking the cloud, and what the gateway says of it is shown", async (t) => {
    const lock = new GardenGate();
    const { gateway, cloud, act, refusal, state } = await givenSimulator(t, { locks: [lock] });
    const unlockOf = async () => (await state()).locks[0]?.unlock?.state;
    assert.equal((await refusal("/api/locks/gate/unlock", {})).code, "no-such-door");
    const status = aGateway()["/api/status"];
    const point = { ...status.accessPoints[0]!, id: "garden", lock: "gate" };
    gateway.answers["/api/status"] = { ...status, accessPoints: [point] };
    await until(
      "the gateway has told of the door",
      async () => (await state()).gateway?.accessPoints[0]?.id === "garden",
    );

    assert.equal((await refusal("/api/locks/gate/unlock", {})).code, "cloud-away");
    const expiresAt = new Date(systemClock.wall() + 3_600_000).toISOString();
    cloud.answers["/api/sites/s1/access-points/garden/unlock"] = { id: 7, expiresAt };
    assert.equal((await act("/api/locks/gate/unlock", {})).locks[0]?.unlock?.state, "asked");
    const asked = cloud.asked.filter(({ method }) => method === "POST").at(-1);
    assert.equal(asked?.headers.authorization, `Bearer ${adminToken}`);

    const event = { at: 5, clock: "synced", boot: 1, mono: 9, accessPoint: "garden", command: 7 };
    const taken = { ...event, seq: 1, type: "command-taken", by: "admin" };
    const others = { ...event, seq: 2, type: "command-ended", command: 6, result: "refused" };
    gateway.answers["/api/events"] = { events: [others, taken] };
    await until("the gateway has taken it", async () => (await unlockOf()) === "taken");
    const ended = { ...event, seq: 3, type: "command-ended", result: "confirmed" };
    gateway.answers["/api/events"] = { events: [ended, others, taken] };
    await until("the gateway has ended it", async () => (await unlockOf()) === "confirmed");
    gateway.answers["/api/events"] = { events: [] };
    cloud.answers["/api/sites/s1/access-points/garden/unlock"] = { id: 8, expiresAt: new Date(0).toISOString() };
    await act("/api/locks/gate/unlock", {});
    await until("nobody took it in time", async () => (await unlockOf()) === "expired");
  });

  test("what is not a wish it knows is refused with the field at fault", async (t) => {
    const { refusal } = await givenSimulator(t);

    for (const [path, body, status, field] of [
      ["/api/boxes/box-1/pin", { digits: "12a" }, 400, /digits/],
      ["/api/boxes/box-1/pin", { digits: "" }, 400, /digits/],
      ["/api/boxes/box-1/pin", {}, 400, /digits/],
      ["/api/boxes/box-1/door", { open: "yes" }, 400, /open/],
      ["/api/boxes/box-1/door", { open: true, wide: true }, 400, /wide/],
      ["/api/boxes/box-1/battery", { percent: 101 }, 400, /percent/],
      ["/api/boxes/box-1/battery", { percent: 1.5 }, 400, /percent/],
      ["/api/boxes/box-1/line", { lose: 1.1 }, 400, /lose/],
      ["/api/boxes/box-1/line", { lateReplyMs: 60_000 }, 400, /lateReplyMs/],
      ["/api/boxes/box-1/line", { crackle: 1 }, 400, /crackle/],
      ["/api/boxes/box-1/pin", "not json", 400, /JSON/],
      ["/api/boxes/box-1/pin", { digits: "1".repeat(5_000) }, 413, /bytes/],
      ["/api/boxes/box-1/explode", {}, 404, /explode/],
    ] as const) {
      const answer = await refusal(path, body);
      assert.equal(answer.status, status, `${path} ${JSON.stringify(body).slice(0, 60)}`);
      assert.match(JSON.stringify([answer.detail, answer.errors]), field);
    }
  });

  test("only its own page and scripts may act: a page of another origin is refused and changes nothing", async (t) => {
    const { url, refusal, post, state } = await givenSimulator(t);
    const { host } = new URL(url);

    for (const foreign of [
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site" },
      { "sec-fetch-site": "none" },
      { origin: "http://elsewhere.example" },
      { origin: `http://${host.replace(/\d+$/, "1")}` },
      { origin: "null" },
      { origin: url, "sec-fetch-site": "cross-site" },
    ] as Record<string, string>[]) {
      const answer = await refusal("/api/boxes/box-1/power", { on: false }, foreign);
      assert.equal(answer.status, 403, JSON.stringify(foreign));
    }
    assert.equal(boxOf(await state()).powered, true);

    const own = await post(
      "/api/boxes/box-1/power",
      { on: false },
      {
        origin: url,
        "sec-fetch-site": "same-origin",
      },
    );
    assert.equal(own.status, 200);
  });

  test("its page lets in nothing foreign, and no other page frames it", async (t) => {
    const { url } = await givenSimulator(t);
    const { headers } = await fetch(url);
    const policy = headers.get("content-security-policy") ?? "";
    assert.match(policy, /^default-src 'none';.*script-src 'self';.*frame-ancestors 'none'/);
    assert.doesNotMatch(policy, /unsafe|https?:/);
    for (const path of ["/", "/api/state"])
      assert.equal((await fetch(url + path)).headers.get("x-content-type-options"), "nosniff");
  });

  test("on loopback it answers to loopback's names only: a foreign name that was bent to here reads and moves nothing", async (t) => {
    const { url, state } = await givenSimulator(t);
    const { port } = new URL(url);
    const asked = (host: string, method: string, path: string) =>
      new Promise<number | undefined>((resolve, reject) => {
        const headers = { host, origin: `http://${host}`, "sec-fetch-site": "same-origin" };
        const sent = request({ host: "127.0.0.1", port, path, method, headers }, (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        });
        sent.once("error", reject);
        sent.end(method === "POST" ? '{"on":false}' : undefined);
      });

    for (const host of [`elsewhere.example:${port}`, "elsewhere.example", `localhost.elsewhere.example:${port}`]) {
      assert.equal(await asked(host, "POST", "/api/boxes/box-1/power"), 403, host);
      assert.equal(await asked(host, "GET", "/api/state"), 403, host);
      assert.equal(await asked(host, "GET", "/"), 403, host);
    }
    assert.equal(boxOf(await state()).powered, true);
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`])
      assert.equal(await asked(host, "GET", "/api/state"), 200, host);
  });

  test("the cable is the one it was given; without one it says so", async (t) => {
    const behind = await givenService(t, {});
    const internet = await startInternet({ targetHost: "127.0.0.1", targetPort: behind.port, clock: systemClock });
    t.after(() => internet.stop());
    const { act } = await givenSimulator(t, { internet });
    assert.deepEqual((await act("/api/internet", { on: false })).internet, { on: false });
    assert.equal(internet.on, false);
    assert.deepEqual((await act("/api/internet", { on: true })).internet, { on: true });
    assert.equal(internet.on, true);

    const { refusal, state } = await givenSimulator(t);
    assert.equal((await state()).internet, null);
    assert.equal((await refusal("/api/internet", { on: false })).status, 409);
  });

  test("the site's programs are stopped and started by whoever started them, one wish at a time for each", async (t) => {
    const done: string[] = [];
    const killing = Promise.withResolvers<void>();
    let running = true;
    const processes = {
      cloudRunning: () => running,
      cloudWanted: () => running,
      stopCloud: async () => {
        running = false;
        done.push("cloud stopped");
      },
      startCloud: async () => {
        throw new Error(`${adminToken} did not work`);
      },
      killGateway: async () => {
        done.push("gateway killed");
        await killing.promise;
      },
    };
    const { act, refusal, post } = await givenSimulator(t, { processes });

    assert.equal((await act("/api/cloud", { running: true })).cloud?.running, true);
    assert.equal((await act("/api/cloud", { running: false })).cloud?.running, false);
    const failed = await refusal("/api/cloud", { running: true });
    assert.equal(failed.status, 503);
    assert.doesNotMatch(JSON.stringify(failed), /did not work/);
    const first = post("/api/gateway/kill", {});
    await until("the gateway is being killed", () => done.length === 2);
    assert.equal((await refusal("/api/gateway/kill", {})).code, "busy");
    assert.equal(
      (await refusal("/api/cloud", { running: true })).code,
      "process-failed",
      "the cloud waits for no gateway",
    );
    killing.resolve();
    assert.equal((await first).status, 200);

    assert.deepEqual(done, ["cloud stopped", "gateway killed"]);
    const alone = await givenSimulator(t);
    assert.equal((await alone.refusal("/api/gateway/kill", {})).code, "not-ours");
  });

  test("the stream tells the state at once and after each change, and ends with the simulator", async (t) => {
    const { act, stream, stop } = await givenSimulator(t);
    const { status, states, ended } = await stream();
    assert.equal(status, 200);
    await until("the first state is there", () => states.length > 0);

    await act("/api/boxes/box-1/jam", { on: true });
    await until("the jam is told", () => boxOf(states.at(-1)!).jammed === true);
    await stop();

    await ended;
  });

  test("no more than so many streams at once, and one that is gone makes room", async (t) => {
    const { url, stream } = await givenSimulator(t);
    const open = await Promise.all(Array.from({ length: 32 }, () => stream()));
    assert(open.every(({ status }) => status === 200));
    assert.equal((await fetch(`${url}/api/stream`)).status, 429);

    open[0]!.hangUp();
    await open[0]!.ended;

    await until("there is room again", async () => (await stream()).status === 200);
  });

  test("the administrator's token goes to the cloud and nowhere else", async (t) => {
    const { url, cloud, gateway, state } = await givenSimulator(t);
    await until("both were asked", () => cloud.asked.length > 0 && gateway.asked.length > 1);

    assert.equal(cloud.asked[0]?.headers.authorization, `Bearer ${adminToken}`);
    assert(gateway.asked.every(({ headers }) => headers.authorization === undefined));
    const shown = [JSON.stringify(await state()), await (await fetch(url)).text()];
    for (const text of shown)
      for (const secret of [adminToken, keyText, passwordOf("box-1")]) assert(!text.includes(secret));
  });

  test("a gateway or a cloud that goes away is shown as away, with what it said last", async (t) => {
    const { gateway, cloud, stream } = await givenSimulator(t);
    const { states } = await stream();
    await until(
      "both are there",
      () => states.at(-1)?.received.length === 1 && states.at(-1)?.decided.length === 2 && !!states.at(-1)?.gateway,
    );

    await gateway.end();
    await cloud.end();
    await until("both are away", () => !states.at(-1)?.cloud?.reachable && !states.at(-1)?.gateway?.reachable);

    assert.equal(states.at(-1)?.gateway?.queue, 1);
    assert.equal(states.at(-1)?.decided.length, 2);
    assert.equal(states.at(-1)?.received.length, 1);
  });

  test("a gateway that talks nonsense is as good as away", async (t) => {
    const { gateway, stream } = await givenSimulator(t);
    const { states } = await stream();
    await until("the gateway is there", () => states.at(-1)?.gateway?.reachable === true);

    gateway.answers["/api/status"] = { sync: "fine, thank you" };

    await until("it counts as away", () => states.at(-1)?.gateway?.reachable === false);
  });

  test("stopped, it holds no port, and its boxes are gone from the broker", async (t) => {
    const { url, stop, received } = await givenSimulator(t);
    await until("the boxes are there", () => received.filter(({ topic }) => topic.endsWith("/battery")).length === 2);

    await stop();

    await assert.rejects(fetch(url), /fetch failed/);
    const wills = () => received.filter(({ payload }) => payload === '{"online":false}');
    await until("both wills are there", () => wills().length === 2);
  });

  test("a port in use and a key of the wrong length are named, and nothing of the site stays behind", async (t) => {
    const clock = new SimClock(Date.UTC(2031, 2, 4, 12));
    const taken = await givenService(t, {});
    await assert.rejects(givenSimulator(t, { clock, http: { host: "127.0.0.1", port: taken.port } }), {
      code: "port-in-use",
      message: new RegExp(`port ${taken.port} on 127\\.0\\.0\\.1 is in use; .*--port`),
    });
    const good = { id: "box-1", name: "Box", password: "p".repeat(20), key: keyText };
    const short = { ...good, id: "box-2", key: "c2hvcnQ" };
    await assert.rejects(givenSimulator(t, { clock, boxes: [good, short] }), (error: Error) => {
      assert.match(error.message, /box-2.* 5 bytes instead of 32/);
      return !error.message.includes(short.key);
    });

    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(clock.nextAt, undefined);
  });
});
