/** The end of a socket, in order or by a reset: node's own once() rejects where the other side resets it, which is a matter of chance. */
import type { Socket } from "node:net";

export function closed(socket: Socket): Promise<void> {
  if (socket.closed) return Promise.resolve();
  return new Promise((resolve) => void socket.on("error", () => undefined).once("close", () => resolve()));
}
