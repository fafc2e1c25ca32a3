/**
 * What gateways of one site say to each other over the LAN, over TLS 1.3 in which each side proves itself by the key that the site
 * feed lists for it (PeerGateway.publicKey). Everything but 200 means: nothing was given.
 *
 *   POST /peer/right   entryRequestSchema → entryReplySchema
 *   GET  /peer/hello                      → helloReplySchema; do we see each other?
 */
import { z } from "zod";

export const entryPath = "/peer/right";
export const helloPath = "/peer/hello";
export const peerBodyBytesMax = 4096;

const holder = z.string().min(1).max(160);
const count = z.number().int().min(0);

/** EntryRequest of ports/peer-link.ts, with `from`: whom the asker takes the asked one for. One in another epoch gives nothing. */
export const entryRequestSchema = z.looseObject({
  grant: z.string().min(1).max(128),
  to: holder,
  have: count,
  from: holder,
});
export type WireEntryRequest = z.infer<typeof entryRequestSchema>;

export const helloReplySchema = z.looseObject({ from: holder });
export const entryReplySchema = z.looseObject({ from: holder, total: count });
