/** `postern cloud gateway-lost`: a gateway that will not come back, or that somebody else has. */
import { z } from "zod";
import { adminNote, adminOptions, askAsAdmin } from "./cloud-admin.ts";
import { defineCommand } from "./command.ts";

const deadlineMs = 30_000;
const answerSchema = z.looseObject({ name: z.string(), revokedAt: z.string(), grantsHeld: z.number() });

export const command = defineCommand({
  about: [
    "Declares GATEWAY (an id such as harbour.gw-7k3m9xw2pa) lost: it is revoked FOR EVER and refused from its next request on; no audit",
    "waits for it any more. Entries of limited grants that it held and never reported stay spent, because it may have admitted with",
    "them: make new grants for their holders. SWITCH IT OFF if it still runs: nothing reaches it any more, so it goes on opening for",
    "what it knows until its records are too old, which is the site's offlineMaxAgeMs (24 h from when it last had all from the cloud,",
    "a delivery 1 h, a stay until its validity ends). It had the site's PINs under its own key: if it was stolen, make new ones. For",
    "a card that merely died, postern gateway restore, or a new enrolment code, brings the same gateway back.",
    adminNote,
  ].join("\n"),
  arguments: ["GATEWAY"],
  options: adminOptions,
  example: "postern cloud gateway-lost harbour.gw-7k3m9xw2pa --url https://cloud.example",

  async run({ options, arguments: [gateway = ""] }) {
    const [site = ""] = gateway.split(".", 1);
    const path = `/api/sites/${encodeURIComponent(site)}/gateways/${encodeURIComponent(gateway)}/revoke`;
    const answer = await askAsAdmin(options, "POST", path, deadlineMs);
    const { name, revokedAt, grantsHeld } = answerSchema.parse(await answer.json());
    console.log(`${gateway} (${name}) is lost since ${revokedAt}`);
    console.log(
      grantsHeld === 0
        ? "It held no entries of limited grants."
        : `It held entries of ${grantsHeld} limited grants and has not reported them as used: they stay spent.`,
    );
  },
});
