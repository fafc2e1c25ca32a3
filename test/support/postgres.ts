/** A real PostgreSQL server in a folder of its own, on a unix socket, gone after the test. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { find } from "./needs.ts";

export interface TestPostgres {
  readonly url: string;
  stop(): Promise<void>;
}

/** The server refuses to run as root: then it runs as the user its package made. */
function serverUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string) => Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" }));
  return { uid: id("-u"), gid: id("-g") };
}

export async function startPostgres(): Promise<TestPostgres> {
  const program = find("postgres");
  if (!program) throw new Error("there is no postgres here; skip with missing('postgres')");
  const user = serverUser();
  const folder = mkdtempSync(join(tmpdir(), "postern-pg-"));
  if (user) chownSync(folder, user.uid, user.gid);
  const data = join(folder, "data");
  const run = { ...user, cwd: folder, env: { LC_ALL: "C.UTF-8", PATH: process.env.PATH } };
  const initdb = join(dirname(program), "initdb");
  execFileSync(initdb, ["-D", data, "-U", "postern", "-A", "trust", "-E", "UTF8", "--no-sync"], {
    ...run,
    stdio: ["ignore", "ignore", "inherit"],
  });
  const settings = ["listen_addresses=", `unix_socket_directories=${folder}`, "fsync=off", "max_connections=60"];
  const server = spawn(program, ["-D", data, ...settings.flatMap((one) => ["-c", one])], {
    ...run,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const exited = once(server, "exit");
  await ready(server.stderr, exited);
  return {
    url: `postgres://postern@/postgres?host=${encodeURIComponent(folder)}`,
    async stop() {
      server.kill("SIGINT");
      await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function ready(log: NodeJS.ReadableStream, exited: Promise<unknown>): Promise<void> {
  let text = "";
  const up = new Promise<void>((resolve) => {
    log.on("data", (chunk: Buffer) => {
      text = (text + chunk.toString()).slice(-20_000);
      if (text.includes("database system is ready to accept connections")) resolve();
    });
  });
  const ended = exited.then(() => Promise.reject(new Error(`postgres did not start:\n${text}`)));
  await Promise.race([up, ended]);
  ended.catch(() => undefined);
}
