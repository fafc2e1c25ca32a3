/** A guard's phone at a whole site: the camera reads a pass that the cloud made, and the relay of the gate moves, internet or not. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Faults } from "../../firmware-sim/faults.ts";
import { ShellyServer } from "../../firmware-sim/links/shelly.ts";
import { SimRelay } from "../../firmware-sim/sim-relay.ts";
import { systemClock as clock } from "../../gateway/system-clock.ts";
import { phone, startBrowser } from "../support/control-page.ts";
import { fakeCamera } from "../support/fake-camera.ts";
import { missing } from "../support/needs.ts";
import { until } from "../support/until.ts";
import { WholeSite } from "../support/whole-site.ts";

const skip = missing("chromium");
const password = "whole-site-relay-password";
const guardsPassword = "gate and garden 7";
const relay = new SimRelay({ id: "shellyplus1-a8032abe54dc", clock });
const server = new ShellyServer({ relay, clock, faults: new Faults(), password });

let site: WholeSite;
let folder: string;
let browser: Awaited<ReturnType<typeof startBrowser>>;
before(async () => {
  if (skip) return;
  folder = await mkdtemp(join(tmpdir(), "postern-camera-"));
  const options = { ...(await server.start()), pollMs: 500 };
  site = await WholeSite.start({
    boxes: ["gate"],
    lockOf: { gate: { id: "gate-relay", driver: "shelly", options, secrets: { password } } },
    holdMs: 1_000,
  });
  await until("the relay is online", () => {
    const device = site.gateway.site.parts.devices.get("gate-relay");
    return device?.status().link === "online";
  });
});
after(async () => {
  if (skip) return;
  await browser?.stop();
  await site.stop();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

test("scan, verdict, photo, approval: the relay pulses once, and the cloud has the entry when the internet is back", {
  skip,
}, async () => {
  const { person, link } = await site.admin<{ person: { id: string }; link: { url: string } }>("POST", "/api/people", {
    userName: "rosa",
    name: "Rosa Guard",
    role: "guard",
    sites: [site.site],
  });
  await site.admin("POST", "/auth/link/password", { token: new URL(link.url).hash.slice(1), password: guardsPassword });
  const pass = await site.admin<{ version: number; credentials: { value: string }[] }>(
    "POST",
    `/api/sites/${site.site}/grants`,
    {
      kind: "visitor",
      holder: { name: "Lea Visitor" },
      accessPoints: ["gate"],
      from: new Date(clock.wall() - 60_000).toISOString(),
      until: new Date(clock.wall() + 3_600_000).toISOString(),
      entriesAllowed: 1,
      credentials: [{ kind: "pass" }],
    },
  );
  await site.arrives(pass.version);
  await until("the gateway knows the guard", () => site.gateway.site.parts.records.staff(person.id) !== undefined);
  await site.setInternet(false);
  const camera = await fakeCamera(join(folder, "camera.y4m"), pass.credentials[0]!.value);
  browser = await startBrowser({ viewport: phone }, camera);
  const page = await browser.context.newPage();
  let pulses = 0;
  relay.onChange(() => {
    if (relay.output) pulses += 1;
  });

  await page.goto(`${site.gateway.http.url}/guard`);
  await page.getByLabel("User name").fill("rosa");
  await page.getByLabel("Password").fill(guardsPassword);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "May come in" }).waitFor();
  await page.getByText("Lea Visitor").waitFor();
  await page.getByRole("button", { name: "Take the photo" }).click();
  await page.getByRole("button", { name: "Let in and open the gate" }).click();
  await page.getByText("The gate is open.").waitFor();
  await until("the strike is back", () => !relay.output);
  assert.equal(pulses, 1);

  await site.setInternet(true);
  await until("the cloud has the entry with its photo", async () =>
    (await site.cloudEvents()).some((event) => event.type === "admitted" && event.scan?.photo !== undefined),
  );
});
