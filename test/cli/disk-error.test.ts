/** What a person reads when the system refuses a file or folder: the place, and what to do. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { CommandError } from "../../cli/command.ts";
import { diskErrorText, onFolder } from "../../cli/disk-error.ts";
import { postern } from "./run-postern.ts";

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "postern-disk-error-"));
  await writeFile(join(folder, "taken"), "a file");
});
after(() => rm(folder, { recursive: true }));

describe("a data folder where a file stands is refused by its name, without a stack", () => {
  for (const words of [["cloud-sync"], ["demo"], ["ca", "init"]]) {
    test(words.join(" "), async () => {
      const place = join(folder, "taken");
      const { code, err } = await postern([...words, "--data", place]);
      assert.equal(code, 1);
      assert.match(err, new RegExp(`^postern: ${place}\\b.*: a file stands where a folder is needed: move it away`));
    });
  }
});

function systemError(code: string, path?: string, syscall = "open"): Error {
  return Object.assign(new Error(`${code}: as the system says it`), { code, syscall, ...(path && { path }) });
}

test("the place is the error's own, else the folder the work was on", () => {
  assert.match(
    diskErrorText(systemError("ENOSPC", "/srv/a/journal"), "/srv/a") ?? "",
    /holds \/srv\/a\/journal is full.*ENOSPC/,
  );
  assert.match(diskErrorText(systemError("ENOSPC", undefined, "write"), "/srv/a") ?? "", /holds \/srv\/a is full/);
});

test("a folder that cannot be made on a read-only disk is told as that", () => {
  assert.match(diskErrorText(systemError("ENOENT", "/media/a", "mkdir")) ?? "", /\/media\/a is read-only.*EROFS/);
});

test("an embedded store's error, which is a number alone, gets its words and its folder", () => {
  assert.match(
    diskErrorText({ name: "ErrnoError", errno: 51 }, "/srv/cloud") ?? "",
    /holds \/srv\/cloud is full.*ENOSPC/,
  );
});

test("what is none of these stays as it was", async () => {
  const bug = new TypeError("a bug");
  assert.equal(diskErrorText(bug, "/srv/a"), undefined);
  assert.equal(diskErrorText(systemError("ECONNREFUSED", undefined, "connect"), "/srv/a"), undefined);
  await assert.rejects(
    onFolder("/srv/a", () => Promise.reject(bug)),
    (error) => error === bug,
  );
  await assert.rejects(
    onFolder("/srv/a", () => Promise.reject(systemError("EROFS"))),
    CommandError,
  );
});
