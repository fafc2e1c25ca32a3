/** A house with Ring in it on a clock that is told, and the real ring-client-api in a child process of its own. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { type FaultRates, Faults } from "../../firmware-sim/faults.ts";
import { RingServer } from "../../firmware-sim/links/ring.ts";
import type { RingDelivery } from "../../firmware-sim/links/ring-hub.ts";
import { SimRingIntercom } from "../../firmware-sim/sim-ring-intercom.ts";
import { SimRingLock } from "../../firmware-sim/sim-ring-lock.ts";
import type { RingAsk, RingTold } from "./ring-client.ts";
import { SimClock } from "./sim-clock.ts";
import { until } from "./until.ts";

export const ringAccount = { email: "owner@example.org", password: "correct horse", code: "123456" };
export const place = "place-1";
export const zid = "zid-1";
const redirect = new URL("../../firmware-sim/links/ring-redirect.ts", import.meta.url).href;
const client = join(import.meta.dirname, "ring-client.ts");

export async function givenRingHouse(
  t: TestContext,
  options: { rates?: Partial<FaultRates>; delivery?: Partial<RingDelivery> } = {},
) {
  const clock = new SimClock(Date.UTC(2031, 2, 4, 12));
  const lock = new SimRingLock({ zid, name: "Front door", clock });
  const intercom = new SimRingIntercom({ id: 4711, name: "Street door", clock });
  const faults = new Faults(options.rates);
  const server = new RingServer({
    places: [{ id: place, name: "Calle Mayor 1", hub: { uuid: "hub-1", locks: [lock] }, intercoms: [intercom] }],
    refreshToken: "refresh-1",
    account: ringAccount,
    clock,
    faults,
    delivery: options.delivery ?? {},
  });
  const { url, ca } = await server.start();
  t.after(() => server.stop());
  const pass = async (ms: number) => {
    const end = clock.monotonic() + ms;
    while (clock.step(end)) await turn();
    await turn();
  };
  return { clock, lock, intercom, faults, server, hub: server.hub(place), url, ca, pass };
}

export interface RingClient {
  /** All it has told, in order. */
  readonly told: readonly RingTold[];
  ask(ask: RingAsk["ask"], text?: string): Promise<unknown>;
  /** Asks and does not wait for the answer. */
  begin(ask: RingAsk["ask"], text?: string): void;
  /** What it was told of the lock, in order and without repetition. */
  states(): readonly string[];
  /** Resolves with its exit code and signal. */
  readonly ended: Promise<readonly unknown[]>;
}

/** Rejects when an answer is an error. */
export async function startRingClient(
  t: TestContext,
  { url, ca }: { readonly url: string; readonly ca: string },
  refreshToken = "refresh-1",
): Promise<RingClient> {
  const folder = await mkdtemp(join(tmpdir(), "ring-client-"));
  const authority = join(folder, "ca.pem");
  await writeFile(authority, ca);
  const child: ChildProcess = fork(client, [], {
    execArgv: ["--import", redirect],
    env: {
      PATH: process.env.PATH,
      NODE_EXTRA_CA_CERTS: authority,
      POSTERN_RING_SIM_URL: url,
      RING_TOKEN: refreshToken,
    },
  });
  const ended = once(child, "exit");
  t.after(async () => {
    child.kill("SIGKILL");
    await ended;
    await rm(folder, { recursive: true });
  });
  const told: RingTold[] = [];
  child.on("message", (message) => told.push(message as RingTold));
  let ids = 0;
  const send = (ask: RingAsk["ask"], text = "") => {
    const id = ++ids;
    child.send({ id, ask, text } satisfies RingAsk);
    return id;
  };
  return {
    told,
    ended,
    begin: (ask, text) => void send(ask, text),
    ask: async (ask, text) => {
      const id = send(ask, text);
      const find = () => told.find((one) => one.kind === "answer" && one.id === id);
      await until(`the library has answered ${ask}`, () => find() !== undefined);
      const answer = find();
      if (answer?.kind !== "answer" || answer.error !== undefined)
        throw new Error(String(answer && "error" in answer && answer.error));
      return answer.value;
    },
    states: () =>
      told
        .flatMap((one) => (one.kind === "data" ? [one.locked] : []))
        .filter((locked, index, all) => locked !== all[index - 1]),
  };
}
