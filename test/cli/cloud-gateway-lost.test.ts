/** `postern cloud gateway-lost` against a service that runs: who is lost, and what stays spent. */
import assert from "node:assert/strict";
import type { Server } from "node:http";
import { after, before, test } from "node:test";
import { createAdaptorServer } from "@hono/node-server";
import { adminToken, givenCloud, type TestCloud, type TestGateway } from "../support/cloud.ts";
import { postern } from "./run-postern.ts";

let cloud: TestCloud;
let server: Server;
let url: string;
let gate: TestGateway;
let spare: TestGateway;
before(async () => {
  cloud = await givenCloud();
  server = createAdaptorServer({ fetch: cloud.app.fetch }) as Server;
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  await cloud.ask("POST", "/api/sites", { id: "home", name: "Home", zone: "UTC" });
  gate = await cloud.gateway("home", ["gate"]);
  spare = await cloud.gateway("home");
});
after(async () => {
  server.close();
  await cloud.close();
});

const grant = async (entriesAllowed: number | null): Promise<string> => {
  const { body } = await cloud.ask("POST", "/api/sites/home/grants", {
    kind: "temporary",
    holder: { name: "Ann" },
    accessPoints: ["gate"],
    from: "2020-01-01T00:00:00Z",
    until: "2099-01-01T00:00:00Z",
    entriesAllowed,
    credentials: [{ kind: "pin" }],
  });
  return body.id;
};
const lost = (gateway: string) =>
  postern(["cloud", "gateway-lost", gateway, "--url", url], { env: { POSTERN_ADMIN_TOKEN: adminToken } });

test("a gateway that is lost is refused from then on, and what it held stays spent", async () => {
  const [half, whole, used] = [await grant(2), await grant(1), await grant(1)];
  await grant(null);
  const admitted = { type: "admitted", accessPoint: "gate", credential: "c", via: "pin", left: 0 };
  gate.record({ ...admitted, grant: half }, { ...admitted, grant: used });
  await gate.push(1);
  const path = `/api/sites/home/gateways/${gate.id}`;
  assert.equal((await cloud.ask("GET", path)).body.grantsHeld, 2);

  const { code, out, err } = await lost(gate.id);

  assert.equal(code, 0, err);
  assert.match(out, /\(gate\) is lost since/);
  assert.match(out, /entries of 2 limited grants .* stay spent/);
  assert.equal((await gate.poll()).status, 403);
  assert.equal((await cloud.ask("GET", path)).body.state, "revoked");
  // Nobody else gets them.
  await spare.catchUp();
  spare.record({ type: "denied", accessPoint: "gate", reason: "HELD_AT_OTHER_GATE", via: "pin", grant: whole });
  await spare.push(1);
  const rows = await spare.catchUp();
  assert.deepEqual(
    rows.filter(({ id, ...row }) => id === whole && "granted" in row && Number(row.granted) > 0),
    [],
  );
});

test("the help says that it goes on opening while it runs, and until when", async () => {
  const { out } = await postern(["cloud", "gateway-lost", "--help"]);
  assert.match(
    out.replaceAll(/\s+/g, " "),
    /SWITCH IT OFF .* opening .* offlineMaxAgeMs \(24 h .* a stay until its validity/,
  );
});

test("one that held nothing, and one that does not exist", async () => {
  assert.match((await lost(spare.id)).out, /held no entries/);
  const { code, err } = await lost("home.gw-nobody");
  assert.equal(code, 1);
  assert.match(err, /There is no gateway home\.gw-nobody/);
});
