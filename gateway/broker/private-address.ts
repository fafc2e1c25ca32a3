/** Which addresses are of a network of one's own: what is not encrypted stays there. */
import { BlockList, isIP } from "node:net";

const privateNetworks = new BlockList();
for (const [network, prefix] of [
  ["10.0.0.0", 8],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
  ["169.254.0.0", 16],
  ["127.0.0.0", 8],
] as const)
  privateNetworks.addSubnet(network, prefix, "ipv4");
for (const [network, prefix] of [
  ["fc00::", 7],
  ["fe80::", 10],
  ["::1", 128],
] as const)
  privateNetworks.addSubnet(network, prefix, "ipv6");

/** `address`: an IP address, with its zone or without. "Every address" is none of them. */
export function isPrivateAddress(address: string): boolean {
  const [bare = ""] = address.split("%");
  const version = isIP(bare);
  return version !== 0 && privateNetworks.check(bare, version === 4 ? "ipv4" : "ipv6");
}
