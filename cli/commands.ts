/** Every sub-command, in the order the help shows them. A command's module is loaded only when it is called. */
import type { Command } from "./command.ts";

export interface CommandEntry {
  /** One word, or two: `journal verify`. */
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<{ readonly command: Command }>;
}

export const commands: readonly CommandEntry[] = [
  { name: "demo", summary: "a whole site on this machine, with simulated lockboxes", load: () => import("./demo.ts") },
  { name: "gateway", summary: "the daemon on site", load: () => import("./gateway.ts") },
  { name: "gateway backup", summary: "what cannot be made anew, sealed", load: () => import("./gateway-backup.ts") },
  { name: "gateway restore", summary: "a gateway on a new card", load: () => import("./gateway-restore.ts") },
  { name: "cloud-sync", summary: "the cloud service", load: () => import("./cloud-sync.ts") },
  {
    name: "cloud backup",
    summary: "everything the cloud has stored, in a file",
    load: () => import("./cloud-backup.ts"),
  },
  { name: "cloud restore", summary: "put a backup of the cloud back", load: () => import("./cloud-restore.ts") },
  {
    name: "cloud verify",
    summary: "check every gateway's history, as the cloud has it",
    load: () => import("./cloud-verify.ts"),
  },
  {
    name: "cloud gateway-lost",
    summary: "declare a gateway lost, for ever",
    load: () => import("./cloud-gateway-lost.ts"),
  },
  { name: "firmware-sim", summary: "simulated lockboxes with a page", load: () => import("./firmware-sim.ts") },
  { name: "enrol", summary: "make a gateway known to the cloud by a one-time code", load: () => import("./enrol.ts") },
  {
    name: "check-config",
    summary: "say what is wrong with a configuration file",
    load: () => import("./check-config.ts"),
  },
  {
    name: "journal verify",
    summary: "check a data folder's journal and snapshots",
    load: () => import("./journal-verify.ts"),
  },
  { name: "journal show", summary: "print a journal's records", load: () => import("./journal-show.ts") },
  { name: "ca init", summary: "make the gateway's certificate authority", load: () => import("./ca-init.ts") },
  { name: "ca show", summary: "print the certificate that devices trust", load: () => import("./ca-show.ts") },
  { name: "ca device", summary: "issue a device's key and certificate", load: () => import("./ca-device.ts") },
];
