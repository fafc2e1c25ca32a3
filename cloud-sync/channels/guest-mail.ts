/** Messages to guests by the mail channel. The same one twice has the same Message-ID, so that mail programs show one. */
import type { GuestChannel } from "./guest-channel.ts";
import type { MailChannel } from "./mail.ts";

export function guestMail(mail: MailChannel): GuestChannel {
  return {
    name: "mail",
    isRepeatable: true,
    hasTemplate: () => false,
    async send({ id, to, subject, text }, signal) {
      const result = await mail.send({ id, to, subject, text }, signal);
      switch (result.outcome) {
        case "sent":
          return { outcome: "sent", ref: null };
        case "later":
          return { outcome: "later", why: result.why };
        case "never":
          return { outcome: "never", why: result.why, operator: false };
      }
    },
  };
}
