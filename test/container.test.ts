/** What can be known of the image and of compose.yaml without a container engine. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { z } from "zod";
import { commands } from "../cli/commands.ts";
import { parseArguments } from "../cli/parse-arguments.ts";

const root = join(import.meta.dirname, "..");
const dockerfile = readFileSync(join(root, "Dockerfile"), "utf8").replace(/\\\n\s*/g, "");
const instructions = dockerfile
  .split("\n")
  .filter((line) => /^[A-Z]+ /.test(line))
  .map((line) => ({ name: line.split(" ")[0]!, rest: line.slice(line.indexOf(" ") + 1) }));
const finalStage = instructions.slice(instructions.findLastIndex(({ name }) => name === "FROM"));
const copies = (stage: typeof instructions) =>
  stage
    .filter(({ name, rest }) => name === "COPY" && !rest.startsWith("--from"))
    .map(({ rest }) => rest.split(/\s+/))
    .flatMap((words) => words.slice(0, -1).map((from) => ({ from, to: words.at(-1)! })));

/** Without the flags before a JSON form: `HEALTHCHECK --interval=30s CMD ["node", …]`. */
function jsonForm(name: string): string[] {
  const rest = finalStage.find((instruction) => instruction.name === name)?.rest ?? "[]";
  return z.array(z.string()).parse(JSON.parse(rest.slice(rest.indexOf("["))));
}

async function run(words: readonly string[], options: { cwd?: string; env?: NodeJS.ProcessEnv }) {
  const [program, ...rest] = words;
  assert.equal(program, "node");
  const child = spawn(process.execPath, rest, { stdio: ["ignore", "pipe", "inherit"], ...options });
  child.stdout.resume();
  return (await once(child, "close"))[0] as number | null;
}

test("every path the image copies exists and is not ignored", () => {
  const ignored = readFileSync(join(root, ".dockerignore"), "utf8").trim().split("\n");
  const from = copies(instructions).map((copy) => copy.from);
  assert.ok(from.length > 8);
  assert.deepEqual(
    from.filter((path) => !existsSync(join(root, path)) || ignored.includes(path)),
    [],
  );
  for (const secret of [".env", "site", "data", "**/secrets.yaml"]) assert.ok(ignored.includes(secret), secret);
});

test("the image runs as somebody, with a health check and volumes for configuration and data", () => {
  const of = (name: string) => finalStage.filter((instruction) => instruction.name === name).map(({ rest }) => rest);
  assert.deepEqual(of("USER"), ["node"]);
  assert.deepEqual(jsonForm("VOLUME"), ["/config", "/data"]);
  assert.equal(instructions.filter(({ name }) => name === "FROM").length, 2);
  assert.doesNotMatch(dockerfile, /^(ENV|ARG).*(PASSWORD|TOKEN|SECRET|KEY)/m);
});

test("what the image copies is enough for every command to load", async () => {
  const image = mkdtempSync(join(tmpdir(), "postern-image-"));
  try {
    for (const { from, to } of copies(finalStage)) {
      cpSync(join(root, from), to.endsWith("/") ? join(image, to, from) : join(image, to), { recursive: true });
    }
    symlinkSync(join(root, "node_modules"), join(image, "node_modules"));
    const entry = jsonForm("ENTRYPOINT");
    assert.equal(await run([...entry, ...jsonForm("CMD")], { cwd: image }), 0);
    for (const { name } of commands) {
      assert.equal(await run([...entry, ...name.split(" "), "--help"], { cwd: image }), 0, name);
    }
  } finally {
    rmSync(image, { recursive: true });
  }
});

test("the health check follows the answer of /healthz", async () => {
  let status = 200;
  const server = createServer((_, response) => response.writeHead(status).end()).listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/healthz`;
  const check = () => run(jsonForm("HEALTHCHECK"), { env: { ...process.env, POSTERN_HEALTH_URL: url } });

  assert.equal(await check(), 0);
  status = 503;
  assert.equal(await check(), 1);
  server.close();
  await once(server, "close");
  assert.equal(await check(), 1);
});

const composeSchema = z.object({
  services: z.record(
    z.string(),
    z
      .object({
        image: z.string(),
        build: z.string().optional(),
        command: z.array(z.string()).optional(),
        environment: z.record(z.string(), z.string()).optional(),
        network_mode: z.string().optional(),
        volumes: z.array(z.string()),
        ports: z.array(z.string()).optional(),
        depends_on: z.record(z.string(), z.object({ condition: z.literal("service_healthy") })).optional(),
        healthcheck: z
          .object({ test: z.array(z.string()).min(2) })
          .loose()
          .optional(),
      })
      .loose(),
  ),
  volumes: z.record(z.string(), z.null()),
});
const compose = composeSchema.parse(parse(readFileSync(join(root, "compose.yaml"), "utf8")));

test("compose.yaml names only what it defines, and every service is checked and restarted", () => {
  const { services, volumes } = compose;
  for (const [name, service] of Object.entries(services)) {
    for (const volume of service.volumes) {
      const source = volume.split(":")[0]!;
      assert.ok(source === "./site" || Object.hasOwn(volumes, source), `${name}: ${volume}`);
    }
    for (const other of Object.keys(service.depends_on ?? {})) assert.ok(services[other], `${name} → ${other}`);
    const shared = service.network_mode?.replace("service:", "");
    assert.ok(shared === undefined || (services[shared] && !service.ports), `${name} → ${shared}`);
    assert.ok(service.healthcheck || service.image === services["cloud-sync"]?.image, `${name} has no health check`);
    assert.equal(service.restart, "unless-stopped");
  }
});

test("compose.yaml's commands are commands of ours with options they know", async () => {
  for (const [name, { command, image }] of Object.entries(compose.services)) {
    if (image !== "postern") continue;
    const entry = commands.find((each) => each.name === command?.[0]);
    assert.ok(entry, `${name}: ${command?.join(" ")}`);
    const { command: known } = await entry.load();
    assert.notEqual(parseArguments(known, command!.slice(1)), "help");
  }
});

test("compose.yaml holds no secret of its own", () => {
  for (const { environment = {} } of Object.values(compose.services)) {
    for (const [name, value] of Object.entries(environment)) {
      if (/PASSWORD|TOKEN|SECRET|KEY|DATABASE_URL/.test(name)) assert.match(value, /\$\{[A-Z_]+:\?/, name);
    }
  }
});
