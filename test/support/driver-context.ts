/** What a driver of a maker's cloud is given in a test: a clock that runs ahead of the real one, secrets, and a log that is kept. */
import type { TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { inspect } from "node:util";
import type { DriverContext } from "../../gateway/ports/driver.ts";
import type { LogFields, Logger } from "../../gateway/ports/logger.ts";
import type { MqttLink } from "../../gateway/ports/mqtt-link.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { SimClock } from "./sim-clock.ts";

const noon = Date.UTC(2031, 2, 4, 12);
/** Each turn of the event loop is worth so much, so a request is answered within a second or two of this time. */
const stepMs = 100;

/** `end`: stops the clock; to be awaited when nobody needs it any more. */
export function givenDriverContext(secrets: Readonly<Record<string, string>>, clock = new SimClock(noon)) {
  const logged: string[] = [];
  const context: DriverContext = {
    clock,
    logger: recorder(logged),
    mqtt: noMqtt,
    secret: (name) => (secrets[name] === undefined ? undefined : new SecretString(secrets[name])),
  };
  const ended = new AbortController();
  const running = runClock(clock, ended.signal);
  return {
    ...{ clock, context, logged },
    /** So much time goes by, and everybody gets to do what falls into it. */
    pass: async (ms: number) => {
      const at = clock.monotonic() + ms;
      while (clock.monotonic() < at) await pause(5);
    },
    end: () => {
      ended.abort();
      return running;
    },
  };
}

export type GivenContext = ReturnType<typeof givenDriverContext>;

/** The same, for a test that has nothing else to end. */
export function givenContext(t: TestContext, secrets: Readonly<Record<string, string>>): GivenContext {
  const given = givenDriverContext(secrets);
  t.after(given.end);
  return given;
}

async function runClock(clock: SimClock, ended: AbortSignal): Promise<void> {
  while (!ended.aborted) {
    await pause(1);
    const next = clock.monotonic() + stepMs;
    while (clock.step(next)) await pause(0);
  }
}

function recorder(lines: string[]): Logger {
  const write = (level: string) => (event: string, fields?: LogFields) => {
    lines.push(`${level} ${event} ${inspect(fields, { depth: 10, showHidden: true })}`);
  };
  const logger: Logger = {
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    child: () => logger,
  };
  return logger;
}

const noMqtt: MqttLink = {
  publish: async () => false,
  onMessage: () => () => undefined,
  onSubscribed: () => () => undefined,
  onConnection: () => () => undefined,
};
