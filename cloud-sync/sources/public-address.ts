/** Which addresses are of the internet at large: whatever an owner types in must not reach into the network that the service stands in. */
import { BlockList, isIP } from "node:net";

const elsewhere = new BlockList();
for (const [network, prefix] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
] as const)
  elsewhere.addSubnet(network, prefix, "ipv4");
// Teredo and 6to4 carry an IPv4 address that could be a private one.
for (const [network, prefix] of [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
] as const)
  elsewhere.addSubnet(network, prefix, "ipv6");
const global = new BlockList();
global.addSubnet("2000::", 3, "ipv6");

/** `address`: an IP address without brackets. */
export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !elsewhere.check(address, "ipv4");
    case 6:
      return global.check(address, "ipv6") && !elsewhere.check(address, "ipv6");
    default:
      return false;
  }
}
