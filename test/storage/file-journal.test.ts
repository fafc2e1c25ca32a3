import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { nodeDisk } from "../../gateway/storage/node-disk.ts";
import { journalContract } from "../contract/journal.ts";
import { SimDisk } from "../support/sim-disk.ts";

const folders: string[] = [];
after(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));

journalContract("the real disk", async () => {
  const folder = await mkdtemp(join(tmpdir(), "postern-journal-"));
  folders.push(folder);
  return { disk: nodeDisk, folder: join(folder, "data"), remount: () => nodeDisk };
});

journalContract("a simulated disk", async () => {
  const sim = new SimDisk();
  return {
    disk: sim.mount(),
    folder: "/data",
    remount: () => {
      sim.kill();
      return sim.mount();
    },
  };
});
