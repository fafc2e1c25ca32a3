/** Whose an address is, where strangers are counted: an IPv4 address is one neighbour; of IPv6 everyone has a whole /64 to call from. */
import { isIPv4 } from "node:net";

/** `address` as a socket tells it; an IPv4 address inside IPv6 ("::ffff:10.0.0.7") is that IPv4 address. */
export function networkOf(address: string): string {
  const embedded = address.slice(address.lastIndexOf(":") + 1);
  if (isIPv4(embedded)) return embedded;
  const [before = "", after] = address.split("::");
  const known = groupsOf(before);
  const zeros = after === undefined ? 0 : 8 - known.length - groupsOf(after).length;
  const groups = [...known, ...Array.from({ length: zeros }, () => "0"), ...groupsOf(after ?? "")];
  return `${groups.slice(0, 4).join(":")}::/64`;
}

function groupsOf(part: string): string[] {
  return part === "" ? [] : part.split(":");
}
