/** What a gateway's pages are made from, where a test has no broker, no neighbours and no disk to look at. */

import { GatewayError } from "../../gateway/errors.ts";
import type { SiteParts } from "../../gateway/flows/site-parts.ts";
import type { GuardSources } from "../../gateway/http/guard-routes.ts";
import type { StatusSources } from "../../gateway/http/status.ts";
import type { Attachments } from "../../gateway/ports/attachments.ts";

/** Any certificate. */
const authority = `-----BEGIN CERTIFICATE-----
MIIBiTCCAS+gAwIBAgIUSt3+YiD16/nHXgsm86bKz8pJPvkwCgYIKoZIzj0EAwIw
GTEXMBUGA1UEAwwOVGVzdCBhdXRob3JpdHkwIBcNMjYxMTIyMDIxMzA0WhgPMjEy
NjEwMjkwMjEzMDRaMBkxFzAVBgNVBAMMDlRlc3QgYXV0aG9yaXR5MFkwEwYHKoZI
zj0CAQYIKoZIzj0DAQcDQgAEzfMiSCyzZQjb2yy3MpsoETHiunzuEOXbZLh3wTKp
hXZ7V7EsNKt8gg0Q9vl4H3HrYmyMrrgBU/aH/LUMLMWx6qNTMFEwHQYDVR0OBBYE
FP7pPjWqyRRe0AFnBqVVPg7c9Sg8MB8GA1UdIwQYMBaAFP7pPjWqyRRe0AFnBqVV
Pg7c9Sg8MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIgPT1GB0S6
uXmbDooU8wKHJIxjNV9CPsnkIyYSUK+UUNICIQDV1nyLU0c7l5WFyQryk4grBq9g
lG0QOXzlVW2pawjqXw==
-----END CERTIFICATE-----
`;

export function statusSources(
  site: SiteParts,
  sync: () => ReturnType<StatusSources["sync"]>,
  { guards = { photo: "optional" }, attachments = noAttachments, questionLink = noLine }: Partial<GuardSources> = {},
): StatusSources {
  return {
    site,
    guards,
    attachments,
    questionLink,
    name: "North gate",
    version: "test",
    machine: "localhost",
    hosts: [],
    startedAt: 0,
    caCertificate: authority,
    tlsPort: 8443,
    drivers: new Map(),
    sync,
    broker: () => ({}),
    disk: async () => ({ freeBytes: 1e9, low: false }),
    peerReached: () => undefined,
    peerSeenAgoMs: () => undefined,
  };
}

/** Where no guard takes photos. */
const noAttachments: Attachments = {
  isFull: true,
  put: () => Promise.reject(new GatewayError("storage-full", "this test keeps no photos")),
  read: async () => undefined,
  has: () => false,
  waiting: () => [],
  sent: async () => undefined,
};

/** Where no cloud is reached. */
const noLine: GuardSources["questionLink"] = {
  askHost: () => Promise.reject(new GatewayError("cloud-unreachable", "this test has no cloud")),
};
