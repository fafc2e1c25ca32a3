import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import {
  type Actor,
  actions,
  may,
  ownOnly,
  permissions,
  reachOf,
  roles,
  sitesOf,
} from "../../cloud-sync/domain/permissions.ts";
import { givenCloud, type TestCloud } from "../support/cloud.ts";

const agency: Actor = { id: "person-a", role: "agency", sites: ["harbour"] };

describe("who may do what", () => {
  test("a role that the table does not name for an action may not do it", () => {
    for (const action of actions)
      for (const role of roles) {
        const actor: Actor = { id: "person-x", role, sites: ["harbour"] };
        const isNamed = role in permissions[action];
        assert.equal(may(actor, action, { site: "harbour", madeBy: "person-x" }), isNamed, `${role} ${action}`);
      }
  });

  test("at another site only those of every reach", () => {
    for (const action of actions)
      for (const role of roles) {
        const actor: Actor = { id: "person-x", role, sites: ["harbour"] };
        const isEverywhere = reachOf(actor, action) === "every";
        assert.equal(may(actor, action, { site: "hill", madeBy: "person-x" }), isEverywhere, `${role} ${action}`);
      }
  });

  test("an agency sees and changes its own codes and nobody else's", () => {
    assert.equal(may(agency, "codes.change", { site: "harbour", madeBy: "person-a" }), true);
    assert.equal(may(agency, "codes.change", { site: "harbour", madeBy: "person-b" }), false);
    assert.equal(ownOnly(agency, "codes.read"), "person-a");
    assert.deepEqual(sitesOf(agency, "codes.read"), ["harbour"]);
    assert.equal(may(agency, "grants.change", { site: "harbour", madeBy: "person-a" }), false);
  });

  test("a key does what its scopes say, and never more than its role may", () => {
    const key: Actor = { ...agency, scopes: ["codes.read", "people.change"] };
    assert.equal(may(key, "codes.read", { site: "harbour", madeBy: "person-a" }), true);
    assert.equal(may(key, "codes.change", { site: "harbour", madeBy: "person-a" }), false);
    assert.equal(may(key, "people.change"), false);
  });

  test("whoever is not at every site sees at most its own ones", () => {
    assert.equal(sitesOf({ id: "admin", role: "admin", sites: [] }, "sites.read"), undefined);
    assert.deepEqual(sitesOf({ id: "person-x", role: "user", sites: [] }, "sites.read"), []);
  });

  test("docs/permissions.md prints this very table", () => {
    const document = readFileSync(join(import.meta.dirname, "../../docs/permissions.md"), "utf8");
    const rows = document
      .split("\n")
      .filter((line) => /^\| `/.test(line))
      .map((line) =>
        line
          .split("|")
          .slice(1, -1)
          .map((cell) => cell.trim().replaceAll("`", "")),
      );
    const printed = Object.fromEntries(
      rows.map(([action = "", ...cells]) => [
        action,
        Object.fromEntries(roles.flatMap((role, at) => (cells[at] ? [[role, cells[at]]] : []))),
      ]),
    );
    assert.deepEqual(printed, permissions);
  });
});

describe("every route below /api", () => {
  let cloud: TestCloud;
  before(async () => {
    cloud = await givenCloud();
  });
  after(() => cloud.close());

  test("names an action of the table in the API's document", async () => {
    const { body } = await cloud.ask("GET", "/openapi.json");
    const paths: Record<string, Record<string, { "x-action"?: string }>> = body.paths;
    const operations = Object.entries(paths)
      .filter(([path]) => path.startsWith("/api/"))
      .flatMap(([path, methods]) =>
        Object.entries(methods).map(([method, one]) => ({ name: `${method} ${path}`, one })),
      );
    assert.ok(operations.length > 25, `${operations.length} operations`);
    const unlisted = operations.filter(({ one }) => !actions.includes(one["x-action"] as never));
    assert.deepEqual(
      unlisted.map(({ name }) => name),
      [],
    );
  });
});
