/** A mail server on a loopback port that keeps what it is sent, and refuses what it is told to. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";

export interface TakenMail {
  readonly from: string;
  readonly to: readonly string[];
  /** Headers and text as they came, encoded. */
  readonly raw: string;
}

export interface MailPeer {
  readonly port: number;
  readonly mails: readonly TakenMail[];
  /** Answers each recipient so from now on; undefined: takes it. */
  refuse(code: number | undefined): void;
  stop(): Promise<void>;
}

export async function startMailPeer(options: SMTPServerOptions = {}): Promise<MailPeer> {
  const mails: TakenMail[] = [];
  let refusal: number | undefined;
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS"],
    closeTimeout: 100,
    onRcptTo(_address, _session, callback) {
      callback(refusal === undefined ? null : Object.assign(new Error("not now"), { responseCode: refusal }));
    },
    async onData(stream, { envelope }, callback) {
      const raw = await text(stream);
      const to = envelope.rcptTo.map(({ address }) => address);
      mails.push({ from: envelope.mailFrom ? envelope.mailFrom.address : "", to, raw });
      callback();
    },
    ...options,
  });
  // A client that turns away at the certificate is no fault of the server's.
  server.on("error", () => undefined);
  server.listen(0, "127.0.0.1");
  await once(server.server, "listening");
  return {
    port: (server.server.address() as AddressInfo).port,
    mails,
    refuse(code) {
      refusal = code;
    },
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** The text of a mail, whichever way it was encoded. */
export function textOf({ raw }: TakenMail): string {
  const [head = "", ...rest] = raw.split("\r\n\r\n");
  const body = rest.join("\r\n\r\n");
  if (/^content-transfer-encoding: base64/im.test(head)) return Buffer.from(body, "base64").toString("utf8");
  if (!/^content-transfer-encoding: quoted-printable/im.test(head)) return body;
  const bytes = body
    .replaceAll(/=\r\n/g, "")
    .replaceAll(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, "latin1").toString("utf8");
}
