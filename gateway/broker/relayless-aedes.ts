/**
 * aedes 1.2.0 as a protocol engine that relays nothing: what a device publishes ends in the gateway's own listener, what a device
 * receives is written to its own connection. A frozen reader, a lossy duplicate filter or a forgotten rule can then not reach
 * another device. Also the guards that need aedes' private parts, hence the exact pin of its version.
 */
import { Aedes, type Client, type PublishPacket } from "aedes";
import mqttPacket, { type Packet } from "mqtt-packet";

// Else it keeps a buffer for each of the 65,536 packet ids there are, in all 9 MB.
mqttPacket.writeToStream.cacheNumbers = false;

type Done = (error?: Error | null) => void;

export class RelaylessAedes extends Aedes {
  /** aedes calls it (packet, client, done) for what a device sent and (packet, done) for its own `$SYS` notes, which no one may hear. */
  override publish(packet: PublishPacket, from: unknown, done?: Done): void {
    if (typeof from === "function") super.publish(packet, from as Done);
    else done?.(null);
  }
}

/** What is used of a connection beyond aedes' types. Checked by test/broker/defects.test.ts on every new version. */
interface PrivateParts {
  readonly connackSent: boolean;
  /** Packets being dealt with; aedes reads on when there are none. */
  _parsingBatch: number;
  readonly _parser: NodeJS.EventEmitter & {
    packet: { length: number };
    _parseLength(): boolean;
    _emitError(error: Error): void;
  };
}

/** Refuses a packet by its length header, before its body is kept; `onRefused` is told once. */
export function boundPackets(
  client: Client,
  limits: { beforeLogin: number; afterLogin: () => number },
  onRefused: () => void,
): void {
  const parts = client as unknown as PrivateParts;
  const parser = parts._parser;
  const parseLength = parser._parseLength;
  parser._parseLength = () => {
    const complete = parseLength.call(parser);
    const limit = parts.connackSent ? limits.afterLogin() : limits.beforeLogin;
    if (!complete || parser.packet.length <= limit) return complete;
    onRefused();
    parser._emitError(new Error(`a packet of ${parser.packet.length} bytes is over the limit of ${limit}`));
    return false;
  };
}

/**
 * Shows each packet to `pace` before aedes deals with it; one that is given a wait is kept until that is over, and those behind it
 * with it. Nothing more is read from the client meanwhile. A wait that rejects means that the client is gone.
 */
export function pacePackets(client: Client, pace: (packet: Packet) => (() => Promise<void>) | undefined): void {
  const parts = client as unknown as PrivateParts;
  const parser = parts._parser;
  const handlers = parser.listeners("packet");
  const handle = (packet: Packet) => {
    for (const each of handlers) each.call(parser, packet);
  };
  let last: Promise<void> | undefined;
  parser.removeAllListeners("packet");
  parser.on("packet", (packet: Packet) => {
    const wait = pace(packet);
    if (!wait && !last) {
      handle(packet);
      return;
    }
    parts._parsingBatch += 1;
    const turn = (last ?? Promise.resolve()).then(wait).then(() => {
      parts._parsingBatch -= 1;
      if (last === turn) last = undefined;
      if (!client.closed) handle(packet);
    });
    last = turn;
    turn.catch(() => undefined);
  });
}
