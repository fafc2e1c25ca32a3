import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { Faults } from "../../../firmware-sim/faults.ts";
import { SerialCable } from "../../../firmware-sim/links/serial-cable.ts";
import { openTty, type TtyEvents } from "../../../gateway/drivers/common/tty.ts";
import { systemClock } from "../../../gateway/system-clock.ts";
import { missing } from "../../support/needs.ts";
import { givenFolder } from "../../support/serial-ports.ts";
import { until } from "../../support/until.ts";

const skip = missing("socat");

async function givenTty(t: TestContext, events: Partial<TtyEvents>) {
  const path = join(await givenFolder(t), "port");
  const heard: Buffer[] = [];
  const onBytes = (bytes: Buffer) => void heard.push(bytes);
  const cable = new SerialCable({ clock: systemClock, path, faults: new Faults(), onBytes });
  t.after(() => cable.pull());
  await cable.plug();
  const tty = await openTty(
    { path, baudRate: 9_600 },
    { onBytes: () => undefined, onGone: () => undefined, ...events },
  );
  t.after(() => tty.close());
  return { cable, tty, path, heard };
}

test("pulled out while it is being read: told once, and the port is asked no more", { skip }, async (t) => {
  const told: string[] = [];
  const given = givenTty(t, {
    onBytes: async () => {
      const { cable, path } = await given;
      const port = realpathSync(path);
      void cable.pull();
      // Nothing else runs meanwhile, so the port is gone when it is read next.
      while (existsSync(port));
    },
    onGone: (why) => told.push(why),
  });
  const { cable, tty } = await given;
  cable.send(Buffer.from("half"));
  await until("it is told", () => told.length > 0);
  assert.deepEqual(told, ["it was pulled out"]);
  await tty.close();
  assert.throws(() => tty.write(Buffer.from("x")), /closed/);
});

test("what waits for the bytes goes on at once, also when nothing else happens in the program", { skip }, async (t) => {
  const path = join(await givenFolder(t), "port");
  const cable = new SerialCable({ clock: systemClock, path, faults: new Faults(), onBytes: () => undefined });
  t.after(() => cable.pull());
  await cable.plug();
  // A program of its own: here something else always happens soon.
  const program = `
    import { openTty } from ${JSON.stringify(import.meta.resolve("../../../gateway/drivers/common/tty.ts"))};
    import { writeSync } from "node:fs";
    const onBytes = () => void Promise.resolve().then(() => writeSync(1, "went on"));
    await openTty({ path: ${JSON.stringify(path)}, baudRate: 9600 }, { onBytes, onGone: () => undefined });
    writeSync(1, "open ");
  `;
  const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => child.kill("SIGKILL"));
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => {
    said += chunk;
  });
  await until("the port is open", () => said === "open ");
  cable.send(Buffer.from("code"));
  await until("it goes on", () => said === "open went on");
});

test("what is written arrives, and a file that is no port is refused", { skip }, async (t) => {
  const { tty, heard } = await givenTty(t, {});
  assert.equal(tty.write(Buffer.from("a00101a2", "hex")), 4);
  await until("it has arrived", () => Buffer.concat(heard).toString("hex") === "a00101a2");
  const events = { onBytes: () => undefined, onGone: () => undefined };
  await assert.rejects(openTty({ path: import.meta.filename, baudRate: 9_600 }, events), /ioctl/);
});
