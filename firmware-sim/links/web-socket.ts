/** The server's end of a WebSocket (RFC 6455), text only and without extensions: what a simulated hub needs, and no more. */
import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

const acceptGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const opcode = { continuation: 0, text: 1, close: 8, ping: 9, pong: 10 } as const;
const messageBytesMax = 1_048_576;

export interface WebSocketListener {
  onText(text: string): void;
  /** The connection is over, whoever ended it. Called once. */
  onClose(): void;
}

export class WebSocketConnection {
  readonly #socket: Duplex;
  readonly #listener: WebSocketListener;
  #unread: Buffer = Buffer.alloc(0);
  #message: Buffer[] = [];

  private constructor(socket: Duplex, listener: WebSocketListener) {
    this.#socket = socket;
    this.#listener = listener;
    socket.on("error", () => socket.destroy());
    socket.once("close", () => this.#listener.onClose());
    socket.on("data", (bytes: Buffer) => this.#take(bytes));
  }

  /** Answers the client's upgrade. undefined, and the socket closed, when it asked for something else. */
  static accept(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    listener: WebSocketListener,
  ): WebSocketConnection | undefined {
    const key = request.headers["sec-websocket-key"];
    if (request.headers.upgrade?.toLowerCase() !== "websocket" || key === undefined) {
      socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
      return undefined;
    }
    const accepted = createHash("sha1").update(`${key}${acceptGuid}`).digest("base64");
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accepted}\r\n\r\n`,
    );
    if (head.length > 0) socket.unshift(head);
    return new WebSocketConnection(socket, listener);
  }

  send(text: string): void {
    this.#write(opcode.text, Buffer.from(text));
  }

  /** Says goodbye and ends. */
  close(): void {
    this.#write(opcode.close, Buffer.from([1_000 >> 8, 1_000 & 0xff]));
    this.#socket.end();
  }

  /** Breaks off, as a line that is cut. */
  destroy(): void {
    this.#socket.destroy();
  }

  #take(bytes: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, bytes]);
    for (let frame = this.#nextFrame(); frame; frame = this.#nextFrame()) this.#handle(frame);
  }

  /** A client's frames are always masked; a longer message than we take, or an unmasked one, ends the connection. */
  #nextFrame(): { isLast: boolean; kind: number; payload: Buffer } | undefined {
    const unread = this.#unread;
    if (unread.length < 2) return undefined;
    const [first = 0, second = 0] = unread;
    const short = second & 0x7f;
    const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
    const maskAt = 2 + lengthBytes;
    if (unread.length < maskAt + 4) return undefined;
    const length =
      lengthBytes === 0 ? short : lengthBytes === 2 ? unread.readUInt16BE(2) : Number(unread.readBigUInt64BE(2));
    if ((second & 0x80) === 0 || length > messageBytesMax) {
      this.destroy();
      return undefined;
    }
    const end = maskAt + 4 + length;
    if (unread.length < end) return undefined;
    const mask = unread.subarray(maskAt, maskAt + 4);
    const payload = Buffer.from(unread.subarray(maskAt + 4, end));
    for (let at = 0; at < length; at += 1) payload[at] = (payload[at] ?? 0) ^ (mask[at % 4] ?? 0);
    this.#unread = unread.subarray(end);
    return { isLast: (first & 0x80) !== 0, kind: first & 0x0f, payload };
  }

  #handle({ isLast, kind, payload }: { isLast: boolean; kind: number; payload: Buffer }): void {
    if (kind === opcode.ping) this.#write(opcode.pong, payload);
    if (kind === opcode.close) this.close();
    if (kind !== opcode.text && kind !== opcode.continuation) return;
    this.#message.push(payload);
    const message = Buffer.concat(this.#message);
    if (message.length > messageBytesMax) this.destroy();
    if (!isLast) return;
    this.#message = [];
    this.#listener.onText(message.toString("utf8"));
  }

  #write(kind: number, payload: Buffer): void {
    if (!this.#socket.writable) return;
    const { length } = payload;
    const header = Buffer.alloc(length < 126 ? 2 : length < 0x1_0000 ? 4 : 10);
    header[0] = 0x80 | kind;
    header[1] = length < 126 ? length : length < 0x1_0000 ? 126 : 127;
    if (header.length === 4) header.writeUInt16BE(length, 2);
    if (header.length === 10) header.writeBigUInt64BE(BigInt(length), 2);
    this.#socket.write(Buffer.concat([header, payload]));
  }
}
