import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import { z } from "zod";
import { SupervisedChild, type SupervisedChildOptions } from "../../../gateway/drivers/common/supervised-child.ts";
import type { LogFields, Logger } from "../../../gateway/ports/logger.ts";
import { systemClock } from "../../../gateway/system-clock.ts";
import { SecretString } from "../../../gateway/wire/secret.ts";
import { until } from "../../support/until.ts";

const token = "s3cret-token-of-the-account";
const soon = { deadlineMs: 60_000, signal: new AbortController().signal };
const answerSchema = z.strictObject({ heard: z.string() });
const newsSchema = z.strictObject({ said: z.string() });
type Options = SupervisedChildOptions<z.infer<typeof answerSchema>, z.infer<typeof newsSchema>>;

function givenChild(t: TestContext, options: Partial<Options> & { readonly first?: string } = {}) {
  const logged: string[] = [];
  const ends: { readonly why: string; readonly awayMs?: number }[] = [];
  const said: string[] = [];
  const { first = "work", ...others } = options;
  const child = new SupervisedChild({
    module: new URL("../../support/unruly-child.ts", import.meta.url),
    begin: async () => ({ token, first }),
    answer: answerSchema,
    news: newsSchema,
    onNews: (news) => said.push(news.said),
    onEnd: (end) => ends.push(end),
    secrets: () => [new SecretString(token)],
    clock: systemClock,
    logger: recorder(logged),
    ...others,
    // Nothing here depends on how fast the machine is, so nothing but what is under test may be short.
    limits: { hangMs: 100_000, startMs: 100_000, endMs: 100_000, ...options.limits },
    pauses: { firstMs: 10, ...options.pauses },
  });
  t.after(() => child.stop());
  child.start();
  const ask = (what: string, text?: string) => child.ask({ do: what, ...(text !== undefined && { text }) }, soon);
  return {
    ...{ child, logged, ends, said, ask },
    /** Resolves with its process id. */
    up: async (): Promise<number> => {
      let pid = 0;
      await until("it is up", async () => {
        const answer = await ask("tell-pid");
        if (answer.kind === "answered") pid = Number(answer.answer.heard);
        return pid > 0;
      });
      return pid;
    },
  };
}

test("a child is asked and answers; what it is told first stands neither on its command line nor in its environment", async (t) => {
  const foreign = ["POSTERN_SECRET_DEVICES_X_TOKEN", "AWS_SESSION", "NODE_OPTIONS"];
  for (const name of foreign) process.env[name] = "--title=of-another-device";
  t.after(() => {
    for (const name of foreign) delete process.env[name];
  });
  const { ask, up } = givenChild(t);
  const pid = await up();
  assert.deepEqual(await ask("echo", "hello"), { kind: "answered", answer: { heard: "hello" } });
  const visible = ["cmdline", "environ"].map((file) => readFileSync(`/proc/${pid}/${file}`, "utf8")).join();
  assert.ok(visible.includes("unruly-child"));
  assert.ok(visible.includes(`PATH=${process.env.PATH}`));
  assert.ok(!visible.includes(token) && !visible.includes("of-another-device"));
});

test("a variable that is meant for one child is its own by its short name, and no other's", async (t) => {
  process.env.POSTERN_UNRULY_ENV_WALLPAPER = "stripes";
  t.after(() => {
    delete process.env.POSTERN_UNRULY_ENV_WALLPAPER;
  });
  const variables = async (options: Partial<Options>) => {
    const pid = await givenChild(t, options).up();
    return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
  };
  assert.ok((await variables({ environmentPrefix: "POSTERN_UNRULY_ENV_" })).includes("WALLPAPER=stripes"));
  assert.ok(!(await variables({})).includes("WALLPAPER=stripes"));
  assert.equal(process.env.WALLPAPER, undefined);
});

test("before it is up, nothing is sent", async (t) => {
  const { child } = givenChild(t);
  assert.equal((await child.ask({ do: "echo" }, soon)).kind, "unsent");
});

test("one that throws has not answered, is started again, and its secrets stay out of what is logged", async (t) => {
  const { ask, up, logged, ends } = givenChild(t);
  const pid = await up();
  assert.equal((await ask("throw")).kind, "unanswered");
  assert.notEqual(await up(), pid);
  assert.deepEqual(ends, [{ why: "exit code 1" }]);
  await until("its last words are logged", () => logged.some((line) => line.includes("went wrong")));
  const text = logged.join("\n");
  assert.ok(text.includes("went wrong with [secret]"), text);
  assert.ok(!text.includes(token));
});

test("one that hangs in a loop is ended, and who waits for it is told", async (t) => {
  const { ask, up, ends } = givenChild(t, { limits: { hangMs: 5_000 } });
  await up();
  assert.equal((await ask("hang")).kind, "unanswered");
  await until("it is ended", () => ends.length > 0);
  assert.equal(ends[0]?.why, "it hangs");
  await up();
});

test("one that never gets ready is ended", async (t) => {
  const { ends } = givenChild(t, { first: "never-ready", limits: { startMs: 1_000 } });
  await until("it is given up", () => ends.length > 0);
  assert.equal(ends[0]?.why, "not ready within 1000 ms");
});

for (const how of ["leak", "leak-silently"])
  test(`one that takes too much memory is ended: ${how}`, async (t) => {
    const { ask, up, ends } = givenChild(t, { limits: { memoryMax: 200 * 1024 * 1024 } });
    await up();
    assert.equal((await ask(how)).kind, "unanswered");
    await until("it is ended", () => ends.length > 0);
    assert.match(ends[0]?.why ?? "", /^it took \d+ MB of memory$/);
    await up();
  });

for (const [what, why] of [
  ["flood", "it floods"],
  ["rubbish", "it speaks rubbish"],
  ["too-long", "it speaks rubbish"],
  ["answer-rubbish", "it answers rubbish"],
] as const)
  test(`one that misbehaves on the line is ended: ${what}`, async (t) => {
    const { ask, up, said, ends } = givenChild(t);
    await up();
    await ask(what);
    await until("it is ended", () => ends.length > 0);
    assert.equal(ends[0]?.why, why);
    assert.ok(said.length < 10_000, `${said.length} were heard`);
    await up();
  });

test("one that fills its output goes on, and the log takes little of it", async (t) => {
  const { ask, up, logged, ends } = givenChild(t);
  await up();
  assert.equal((await ask("chatter")).kind, "answered");
  const lines = () => logged.filter((line) => line.includes("child-said "));
  await until("the log says so", () => logged.some((line) => line.includes("child-says-too-much")));
  assert.ok(lines().length < 2_500, `${lines().length} lines`);
  assert.ok(!logged.join("\n").includes(token));
  assert.deepEqual(ends, []);
});

test("one that ends at once is started again after pauses that grow to the longest", async (t) => {
  const { ends, logged } = givenChild(t, { first: "exit", pauses: { firstMs: 10, longestMs: 40 } });
  await until("it has been tried five times", () => ends.length >= 5);
  const pauses = logged.flatMap((line) => /againInMs: (\d+)/.exec(line)?.[1] ?? []);
  assert.deepEqual(pauses.slice(0, 5), ["10", "20", "40", "40", "40"]);
  assert.equal(ends[0]?.why, "exit code 3");
});

test("one that could not be told how to begin is tried again", async (t) => {
  let tries = 0;
  const { up, ends } = givenChild(t, {
    begin: async () => {
      tries += 1;
      if (tries === 1) throw new Error("the disk is away");
      return { token, first: "work" };
    },
  });
  await up();
  assert.deepEqual(ends, [{ why: "could not begin: the disk is away" }]);
});

test("an answer that comes late, twice or unasked is nobody's", async (t) => {
  const { child, ask, up, ends } = givenChild(t);
  await up();
  const late = await child.ask({ do: "hold-back", text: "too late" }, { ...soon, deadlineMs: 50 });
  assert.deepEqual(late, { kind: "unanswered", why: "no answer within 50 ms" });
  assert.equal((await ask("let-go")).kind, "answered");
  // Ids count from one, and up() asks at least once: whichever it is, two of the same are told apart from the next.
  for (let id = 1; id <= 20; id += 1) await ask("twice", String(id));
  assert.deepEqual(await ask("echo", "still there"), { kind: "answered", answer: { heard: "still there" } });
  assert.deepEqual(ends, []);
});

test("a signal calls a question off, and only so many are open at a time", async (t) => {
  const { child, up } = givenChild(t, { limits: { asksMax: 2 } });
  await up();
  const calledOff = new AbortController();
  const held = [1, 2].map(() => child.ask({ do: "hold-back" }, { ...soon, signal: calledOff.signal }));
  assert.deepEqual(await child.ask({ do: "echo" }, soon), { kind: "unsent", why: "2 questions are open" });
  calledOff.abort();
  for (const answer of await Promise.all(held)) assert.deepEqual(answer, { kind: "unanswered", why: "called off" });
  assert.equal((await child.ask({ do: "echo" }, { ...soon, signal: calledOff.signal })).kind, "unsent");
  assert.equal((await child.ask({ do: "echo", text: "now" }, soon)).kind, "answered");
});

test("one that ends by itself says why, and stays away as long as it said", async (t) => {
  const { ask, up, ends, logged } = givenChild(t);
  await up();
  await ask("leave", "300");
  await up();
  assert.deepEqual(ends, [{ why: "it is done", awayMs: 300 }]);
  assert.ok(
    logged.some((line) => line.includes("info child-ended") && line.includes("againInMs: 300")),
    logged.join("\n"),
  );
});

test("what it logs itself is cleaned as well", async (t) => {
  const { ask, up, logged } = givenChild(t);
  await up();
  await ask("tell-token");
  assert.ok(
    logged.some((line) => line.includes("token-is") && line.includes("[secret]")),
    logged.join("\n"),
  );
});

test("renewed or stopped, it may finish first; then the process is gone", async (t) => {
  const { child, up, said } = givenChild(t);
  const first = await up();
  child.renew("as a trial");
  const second = await until("the first is gone", () => isGone(first)).then(up);
  assert.deepEqual(said, ["last wish"]);
  await child.stop();
  assert.ok(isGone(second));
  assert.deepEqual(said, ["last wish", "last wish"]);
});

for (const doing of ["work", "hang"])
  test(`it does not outlive its parent: ${doing}`, async (t) => {
    const parent = spawn(
      process.execPath,
      ["--import", "tsx", fileURLToPath(new URL("../../support/unruly-parent.ts", import.meta.url)), doing],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    t.after(() => parent.kill("SIGKILL"));
    const [pid] = (await once(createInterface(parent.stdout), "line")) as [string];
    assert.ok(!isGone(Number(pid)));
    parent.kill("SIGKILL");
    await until("the child is gone", () => isGone(Number(pid)));
  });

/** One that nobody has fetched the exit code of is gone as well. */
function isGone(pid: number): boolean {
  if (!existsSync(`/proc/${pid}`)) return true;
  try {
    return /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return true;
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
