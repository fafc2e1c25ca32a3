/** Rows that an older version took in as unreadable are read by the version that can, although the cloud told them long ago. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { FeedRow } from "../../gateway/domain/feed.ts";
import type { CloudLink } from "../../gateway/ports/cloud-link.ts";
import { silentLogger } from "../../gateway/ports/logger.ts";
import { noPeers } from "../../gateway/ports/peer-link.ts";
import { startSite } from "../../gateway/site.ts";
import { enrol } from "../../gateway/sync/enrol.ts";
import { type Fetch, HttpCloudLink } from "../../gateway/sync/http-cloud-link.ts";
import { CredentialSeal } from "../../gateway/wire/credential-seal.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { givenCloud, HandClock } from "../support/cloud.ts";
import { SimDisk } from "../support/sim-disk.ts";
import { aloneOnTheMachine } from "../support/site-store.ts";
import { until } from "../support/until.ts";

/** As a version reads the feed that does not know staff yet. */
function withoutStaff(row: FeedRow): FeedRow {
  if (row.kind !== "staff") return row;
  const { id, ver, sum } = row;
  return { kind: "unreadable", of: "staff", id, ver, sum };
}

test("staff that the version before could not read can sign in after the upgrade; the whole set is asked for once", async (t) => {
  const clock = new HandClock();
  const cloud = await givenCloud({ clock });
  t.after(() => cloud.close());
  await cloud.ask("POST", "/api/sites", { id: "demo", name: "Demo", zone: "UTC" });
  const { person, link } = (
    await cloud.ask("POST", "/api/people", { userName: "rosa", name: "Rosa", role: "guard", sites: ["demo"] })
  ).body;
  const token = new URL(link.url).hash.slice(1);
  const chosen = await cloud.ask("POST", "/auth/link/password", { token, password: "gate and garden 7" });
  assert.equal(chosen.status, 204);
  const { body } = await cloud.ask("POST", "/api/sites/demo/gateways", { name: "gate" });
  const cursors: string[] = [];
  const fetch: Fetch = async (url, init) => {
    const { pathname, searchParams } = new URL(url);
    if (pathname.endsWith("/feed")) cursors.push(searchParams.get("feed") ?? "");
    return cloud.app.request(url, init);
  };
  const { enrolled, privateKey } = await enrol("http://cloud", new SecretString(body.code), "1", fetch);
  const disk = new SimDisk().mount();

  const start = async (version: string, read: (row: FeedRow) => FeedRow) => {
    const http = new HttpCloudLink("http://cloud", { gateway: enrolled.gateway, privateKey }, clock, fetch);
    const asRead: CloudLink = {
      poll: async (request, signal) => {
        const reply = await http.poll(request, signal);
        return { ...reply, page: { ...reply.page, rows: reply.page.rows.map(read) } };
      },
      push: (batch, signal) => http.push(batch, signal),
      report: (report, signal) => http.report(report, signal),
      audit: (part, signal) => http.audit(part, signal),
    };
    cursors.length = 0;
    const site = await startSite({
      gateway: enrolled.gateway,
      epoch: enrolled.epoch,
      version,
      folder: "/data",
      accessPoints: [],
      devices: [],
      seal: new CredentialSeal("demo", Buffer.from(enrolled.siteKey, "base64url")),
      link: asRead,
      peers: noPeers,
      systemClockWithinMs: undefined,
      clock,
      disk,
      logger: silentLogger,
      random: () => 0.5,
      onFailed: (error) => {
        throw error;
      },
      processes: aloneOnTheMachine,
    });
    await until("it is online", () => site.sync.state === "online");
    return site;
  };

  const older = await start("1.0.0", withoutStaff);
  assert.equal(older.parts.records.staff(person.id), undefined);
  await older.stop();

  const again = await start("1.0.0", withoutStaff);
  assert.notEqual(cursors[0], "", "the same version would read no more than before");
  await again.stop();

  const newer = await start("2.0.0", (row) => row);
  assert.equal(cursors[0], "");
  assert.equal(newer.parts.records.staff(person.id)?.name, "Rosa");
  await newer.stop();

  const newest = await start("3.0.0", (row) => row);
  assert.notEqual(cursors[0], "", "there is nothing left that could not be read");
  await newest.stop();
});
