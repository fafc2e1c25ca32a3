/** Mail by SMTP, through nodemailer. One connection a mail: there are few. */
import type { SecretString } from "../../gateway/wire/secret.ts";
import type { Mail, MailChannel, MailResult } from "./mail.ts";

export interface SmtpOptions {
  readonly host: string;
  readonly port: number;
  /** "starttls": demanded before anything is said · "implicit": from the first byte · "none": on this machine only. */
  readonly encryption: "starttls" | "implicit" | "none";
  /** Unset: the server asks for no name. */
  readonly user?: string | undefined;
  readonly password?: SecretString | undefined;
  /** "Postern <postern@example.org>" */
  readonly from: string;
  /** PEM of the authority that signed the server's certificate, where it is a private one. */
  readonly ca?: string | undefined;
}

/** For a connection, for a greeting, and between two answers. */
const silenceMs = 10_000;
const answerBytesMax = 64 * 1024;

/** What nodemailer's errors say besides their message, which may quote the recipient. */
interface SmtpError {
  readonly code?: string;
  readonly responseCode?: number;
  readonly permanent?: boolean;
}

export function smtpChannel(options: SmtpOptions): MailChannel {
  const { host, port, encryption, user, password, from, ca } = options;
  return {
    async send(mail: Mail, signal: AbortSignal): Promise<MailResult> {
      const { createTransport } = await import("nodemailer");
      const transport = createTransport({
        host,
        port,
        secure: encryption === "implicit",
        requireTLS: encryption === "starttls",
        ignoreTLS: encryption === "none",
        ...(user !== undefined && { auth: { user, pass: password?.reveal() ?? "" } }),
        tls: { minVersion: "TLSv1.2", ...(ca !== undefined && { ca }) },
        connectionTimeout: silenceMs,
        greetingTimeout: silenceMs,
        dnsTimeout: silenceMs,
        socketTimeout: silenceMs,
        socketCloseTimeout: 0,
        maxResponseSize: answerBytesMax,
        disableFileAccess: true,
        disableUrlAccess: true,
      });
      try {
        const { rejected = [] } = await transport.sendMail({
          from,
          to: { name: "", address: mail.to },
          subject: mail.subject,
          text: mail.text.reveal(),
          messageId: `<${mail.id}@${domainOf(from)}>`,
          headers: { "Auto-Submitted": "auto-generated" },
          signal,
        });
        return rejected.length > 0 ? { outcome: "never", why: "the server took no recipient" } : { outcome: "sent" };
      } catch (error) {
        const { code = "error", responseCode, permanent } = error as SmtpError;
        // Anything else, a refused sign-in say, is the operator's to mend, and then the mail may go.
        const isFinal = permanent === true && (code === "EENVELOPE" || code === "EMESSAGE");
        return { outcome: isFinal ? "never" : "later", why: `${code}${responseCode ? ` ${responseCode}` : ""}` };
      }
    },
  };
}

/** Of an address, with a name before it or without. */
function domainOf(from: string): string {
  return /@([\w.-]+)>?\s*$/.exec(from)?.[1] ?? "localhost";
}
