/** Three whole gateways of one site, as `postern gateway` starts them: they learn of each other from the cloud and then do without it. */
import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { test } from "node:test";
import type { RunningGateway } from "../../gateway/gateway.ts";
import { recentEvents } from "../../gateway/http/recent-events.ts";
import { silentLogger } from "../../gateway/ports/logger.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import { aLanGateway, aLanSite, type LanSite } from "../support/lan-site.ts";
import { until } from "../support/until.ts";
import { Box } from "../support/whole-site.ts";

const names = ["west", "east", "north"];

test("given three gateways cut from the cloud, a PIN of one entry opens one door, and any of them", async (t) => {
  const site = await aLanSite(t);
  const gateways: RunningGateway[] = [];
  for (const name of names) gateways.push(await aLanGateway(site, name));
  const boxes = names.map((name, number) => new Box(name, gateways[number]!, silentLogger));
  for (const box of boxes) {
    site.after.defer(() => box.stop());
    box.link.start();
    await box.isConnected();
  }
  await until("the cloud knows every door", async () => (await list(site, "access-points")).length === names.length);
  const [far, wanted] = [await aPin(site), await aPin(site)];
  await until("every gateway knows the PINs and the others", () =>
    gateways.every(({ site: { parts } }) => {
      const onLan = parts.records.peers().filter(({ lan }) => lan !== undefined);
      return parts.records.grant(far.id) && parts.records.grant(wanted.id) && onLan.toArray().length === names.length;
    }),
  );

  site.line.cut();
  const home = gateways[0]!.site.parts.records.grant(far.id)!.homeGateway;
  const away = gateways.findIndex(({ site }) => site.parts.records.gateway !== home);
  await until("an entry has come to another door than its own", async () => {
    await boxes[away]!.enterPin(far.pin);
    return (await admitted(gateways[away]!)).includes(far.id);
  });
  const everywhere = (pin: string) => Promise.all(boxes.map((box) => box.enterPin(pin)));
  // Beside a crowd the door's patience may end before an entry has come; it comes with the next try.
  await until("somebody has got in", async () => {
    await everywhere(wanted.pin);
    return (await admittedAnywhere(gateways)).includes(wanted.id);
  });
  await everywhere(wanted.pin);
  await everywhere(far.pin);

  const both = [far.id, wanted.id].toSorted();
  assert.deepEqual(await admittedAnywhere(gateways), both);

  site.line.mend();
  await until("the cloud has heard of both", async () => (await admissions(site)).length >= 2);
  await until("every gateway has told all", () => gateways.every(({ site }) => site.sync.queue === 0));
  assert.deepEqual((await admissions(site)).toSorted(), both);
});

test("an occupied port, and an address of another machine, are errors that name their key", async (t) => {
  const site = await aLanSite(t);
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  site.after.defer(() => void server.close());
  const { port } = server.address() as AddressInfo;

  const start = (name: string, host: string) => aLanGateway(site, name, { host, port });
  await assert.rejects(start("west", "127.0.0.1"), { code: "port-in-use", message: /^lan\.port: .*EADDRINUSE/ });
  await assert.rejects(start("east", "192.0.2.1"), { code: "config-invalid", message: /^lan\.host: .*192\.0\.2\.1/ });
});

async function list({ cloud }: LanSite, what: string) {
  const { body } = await cloud.ask("GET", `/api/sites/demo/${what}`);
  return body.items as readonly { readonly event?: { readonly type: string; readonly grant: string } }[];
}

/** The grants of all admissions in its journal. */
async function admitted({ site }: RunningGateway): Promise<string[]> {
  const events = await recentEvents(site.parts.journal, 1_000);
  return events.flatMap((event) => (event.type === "admitted" ? [event.grant] : []));
}

async function admittedAnywhere(gateways: readonly RunningGateway[]): Promise<string[]> {
  return (await Promise.all(gateways.map(admitted))).flat().toSorted();
}

/** The grants of all admissions the cloud has heard of. */
async function admissions(site: LanSite): Promise<string[]> {
  const events = await list(site, "events?limit=100");
  return events.flatMap(({ event }) => (event?.type === "admitted" ? [event.grant] : []));
}

/** Good for one entry, at any of the doors. */
async function aPin({ cloud }: LanSite): Promise<{ readonly id: string; readonly pin: string }> {
  const now = systemClock.wall();
  const { body } = await cloud.ask("POST", "/api/sites/demo/grants", {
    kind: "stay",
    holder: { name: "Pat Holder" },
    accessPoints: names,
    from: new Date(now - 60_000).toISOString(),
    until: new Date(now + 3_600_000).toISOString(),
    entriesAllowed: 1,
    credentials: [{ kind: "pin" }],
  });
  return { id: body.id, pin: body.credentials[0].value };
}
