/**
 * The shape of the configuration files: strict, so that a mistyped key is an error and not a setting that silently does nothing.
 * Driver options are the driver's own business and stay unparsed here. Secrets have no place in these files (secrets.ts).
 */
import { isIP } from "node:net";
import { z } from "zod";

const id = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,64}$/, "expected 1 to 64 letters, digits, - or _")
  .meta({ description: "1 to 64 letters, digits, - or _" });
const port = z.number().int().min(0).max(65_535).meta({ description: "0 takes any free port" });
const host = z.string().min(1).max(253).meta({ description: "Address to listen on; 0.0.0.0 is every IPv4 address" });
/** Names, addresses among them, without scheme and port. */
const names = z.array(z.string().regex(/^[A-Za-z0-9.:-]{1,253}$/, "expected a host name or an IP address")).max(16);
const path = z.string().min(1).max(4096);

const network = z.string().max(64).refine(isNetwork, "expected an IP address or a network such as 10.0.0.0/8");

/** The cloud learns who enters, so the line to it is encrypted; on the machine itself there is no line. */
const cloudUrl = z
  .string()
  .max(2048)
  .refine(
    (text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol),
    "expected a URL beginning with https://",
  )
  .refine(
    (text) => !URL.canParse(text) || (new URL(text).username === "" && new URL(text).password === ""),
    "a URL must not carry a user or a password; secrets have their own file",
  )
  .refine(
    (text) => !URL.canParse(text) || new URL(text).protocol !== "http:" || isLoopback(new URL(text).hostname),
    "expected https://; plain http:// is allowed to this machine only (127.0.0.1, localhost)",
  )
  .meta({ description: "Where cloud-sync answers; https unless it is on this machine" });

const http = (defaultPort: number, defaultHost = "127.0.0.1") => ({
  host: host.default(defaultHost),
  port: port.default(defaultPort),
});

const log = z
  .strictObject({ level: z.enum(["debug", "info", "warn", "error"]).default("info") })
  .prefault({})
  .meta({ description: "What is written to standard output" });

const device = z
  .strictObject({
    id: id.meta({ description: "Names the device everywhere: in access points, topics, secrets" }),
    driver: z.string().min(1).max(64).meta({ description: "A folder of gateway/drivers, such as mqtt-lockbox" }),
    options: z
      .record(z.string(), z.unknown())
      .default({})
      .meta({ description: "The driver's own options; its README lists them" }),
  })
  .meta({ description: "One thing on the site, whatever its maker" });

const accessPoint = z
  .strictObject({
    id,
    name: z.string().trim().min(1).max(100).meta({ description: "What people call this door" }),
    lock: id.meta({ description: "The device whose lock is released" }),
    readers: z
      .array(id)
      .max(16)
      .default([])
      .meta({ description: "The devices whose reports are requests here; none where the lock has codes of its own" }),
    holdMs: z
      .number()
      .int()
      .min(100)
      .max(600_000)
      .default(30_000)
      .meta({ description: "How long the strike stays released, in milliseconds" }),
  })
  .meta({ description: "Where a credential is checked" });

export const gatewayFileSchema = z
  .strictObject({
    data: path.meta({ description: "The data folder, relative to this file" }),
    secretsFile: path
      .optional()
      .meta({ description: "YAML file of mode 0600, relative to this file; POSTERN_SECRETS_FILE overrules it" }),
    cloud: z.strictObject({
      url: cloudUrl,
      caFile: path
        .optional()
        .meta({ description: "PEM of the CA that signed the cloud's certificate, when it is a private one" }),
    }),
    http: z
      .strictObject({
        ...http(8080),
        tlsPort: port.optional().meta({
          description:
            "The same pages by https, with a certificate of the gateway's own authority (/ca.crt): staff sign in there, or on the machine itself; absent: none",
        }),
        hosts: names.default([]).meta({
          description:
            "Names the pages are called by, besides addresses, localhost and the machine's own name; others are refused",
        }),
      })
      .prefault({})
      .meta({ description: "Status, health and metrics on the LAN" }),
    broker: z
      .strictObject({
        ...http(8883, "0.0.0.0"),
        plainPort: port.optional().meta({ description: "MQTT without TLS, on 127.0.0.1 only; absent: none" }),
        plainLan: z
          .strictObject({
            host: z
              .string()
              .refine((text) => isIP(text) !== 0, "expected an IP address, such as 192.168.1.10")
              .meta({ description: "This machine's own address on a private network" }),
            port: port.default(1883),
          })
          .optional()
          .meta({
            description:
              "MQTT without TLS on the LAN, for locks whose firmware knows none (Nuki) and for nobody else: who listens there hears passwords and commands",
          }),
        hostnames: names
          .min(1)
          .default(["gateway.local"])
          .meta({ description: "Names and addresses the boxes call the broker by; they go into its certificate" }),
        connectionsMax: z.number().int().min(1).max(100_000).default(2500),
      })
      .prefault({})
      .meta({ description: "The MQTT broker the devices talk to" }),
    lan: z
      .strictObject({
        ...http(8444, "0.0.0.0"),
        advertise: z
          .string()
          .max(300)
          .refine(isAddress, "expected host:port, such as 192.168.1.20:8444 or [fd00::2]:8444")
          .optional()
          .meta({ description: "host:port the other gateways reach it by; needed where host is every address" }),
      })
      .optional()
      .meta({ description: "The site's other gateways ask here for entries when the cloud is away; absent: off" }),
    clock: z
      .strictObject({
        source: z.enum(["auto", "system", "cloud"]).default("auto").meta({
          description:
            "Who vouches for the time: the system (NTP, RTC), the cloud, or auto: the system once it says it is synchronised",
        }),
        systemWithinMs: z
          .number()
          .int()
          .min(0)
          .max(600_000)
          .default(1000)
          .meta({ description: "How far a system clock that is vouched for may be wrong" }),
      })
      .prefault({}),
    guards: z
      .strictObject({
        photo: z
          .enum(["required", "optional", "off"])
          .default("optional")
          .meta({ description: "Whether guards photograph each visitor they let in" }),
        walkIns: z.enum(["guard", "host"]).default("guard").meta({
          description:
            "Who lets a visitor without a pass in: guard: the guard, who may ask the host; host: only the host whom the guard asks, so nobody while there is no line",
        }),
        bounds: z
          .strictObject({
            center: z.strictObject({ lat: z.number().min(-90).max(90), lng: z.number().min(-180).max(180) }),
            radiusM: z.number().int().min(10).max(100_000),
          })
          .optional()
          .meta({
            description:
              "Where guards stand, in degrees and metres: a phone farther off is told so and noted, and never hindered; absent: not asked",
          }),
        attachmentsMb: z
          .number()
          .int()
          .min(8)
          .max(100_000)
          .default(512)
          .meta({ description: "Room for photos and notes of visits; what the cloud has goes first" }),
      })
      .prefault({})
      .meta({ description: "What is asked of guards at the gates" }),
    devices: z.array(device).max(10_000).default([]),
    accessPoints: z.array(accessPoint).max(1000).default([]),
    log,
  })
  .meta({ title: "Postern gateway" });

const keptDays = (least: number, usual: number, what: string) =>
  z.number().int().min(least).max(36_500).default(usual).meta({ description: what });

/** How long cloud-sync keeps what says who somebody is or where somebody was; docs/privacy.md says what follows. */
export const retentionSchema = z
  .strictObject({
    eventsDays: keptDays(35, 730, "What happened at the doors"),
    photosDays: keptDays(1, 30, "Photos of visitors, and what guards wrote of them"),
    auditAddressesDays: keptDays(7, 180, "Where a change came from; that it was made, and by which id, stays"),
    securityEventsDays: keptDays(7, 365, "What looked like an attack, since it was seen last"),
    sessionsDays: keptDays(30, 30, "Sessions, since they ended or were used last"),
    usedLinksDays: keptDays(1, 30, "Invitation and reset links that were used or have expired"),
    endedCodeDigitsDays: keptDays(31, 31, "The digits of codes that have ended"),
    endedGrantNamesDays: keptDays(31, 365, "Who held a code or grant that has ended, and what was noted about it"),
  })
  .meta({ description: "How many days what is kept" });

export type Retention = z.output<typeof retentionSchema>;

const mailAddress = z
  .string()
  .max(320)
  .regex(
    /^(?:[^<>\r\n"]{1,100} )?<?[^\s<>@"]+@[A-Za-z0-9.-]+>?$/,
    "expected postern@example.org or Postern <postern@example.org>",
  );

const mail = z
  .strictObject({
    host,
    port: port.default(587),
    encryption: z.enum(["starttls", "implicit", "none"]).default("starttls").meta({
      description:
        "starttls: demanded before anything is said (port 587); implicit: from the first byte (465); none: on this machine only",
    }),
    user: z.string().min(1).max(320).optional().meta({
      description: "The name for its sign-in; the password is POSTERN_MAIL_PASSWORD in the environment. Absent: none",
    }),
    from: mailAddress.meta({ description: "The sender of what people get: Postern <postern@example.org>" }),
    caFile: path
      .optional()
      .meta({ description: "PEM of the CA that signed the server's certificate, when it is a private one" }),
  })
  .refine(({ encryption, host }) => encryption !== "none" || isLoopback(host), {
    path: ["encryption"],
    message: "expected starttls or implicit; none is for a mail server on this machine (127.0.0.1, localhost)",
  })
  .meta({
    description: "The mail server by which people who have forgotten their password get a link; absent: none is sent",
  });

const origin = cloudUrl.refine(
  (text) => !URL.canParse(text) || new URL(text).origin === text,
  "expected a URL without a path",
);

const notify = z
  .strictObject({
    pushServices: z.array(origin).max(16).default([]).meta({
      description:
        "Push services of one's own, besides those of the browsers' makers: https://push.example.org. Nothing is sent anywhere else",
    }),
    oneSignal: z
      .strictObject({
        appId: z.guid().meta({ description: "Keys & IDs in OneSignal's settings; the key is POSTERN_ONESIGNAL_KEY" }),
      })
      .optional()
      .meta({
        description:
          "A community's app, whose people are known to OneSignal by their ids here (external_id). Absent: browsers and mail alone",
      }),
  })
  .meta({ description: "How residents are told of their visitors, besides by the mail server" });

const e164 = z.string().regex(/^\+[1-9]\d{6,14}$/, "expected +34600000000: a number with its country");

/** By kind of message (code, changed, new-code, cancelled), then by language. */
const templates = z
  .partialRecord(
    z.enum(["code", "changed", "new-code", "cancelled"]),
    z.record(z.string().regex(/^[a-z]{2}$/, "expected a language: en"), z.string().regex(/^\w{1,512}$/)),
  )
  .default({})
  .meta({
    description:
      "Approved WhatsApp templates, by kind of message and language. Their fields in order: guest, property, from, until, link or code",
  });

const guests = z
  .strictObject({
    twilio: z
      .strictObject({
        accountSid: z.string().regex(/^AC[0-9a-f]{32}$/, "expected AC and 32 hex digits"),
        smsFrom: z
          .string()
          .regex(/^(\+[1-9]\d{6,14}|MG[0-9a-f]{32}|[A-Za-z0-9 ]{1,11})$/, "expected a number, a name or MG…")
          .optional()
          .meta({
            description: "Who text messages are from: a number, a name, or a messaging service. Absent: none are sent",
          }),
        whatsappFrom: e164.optional().meta({ description: "A number with WhatsApp. Absent: none are sent" }),
        apiUrl: origin
          .optional()
          .meta({ description: "Where it answers, as of another region; absent: api.twilio.com" }),
        templates,
      })
      .refine(({ smsFrom, whatsappFrom }) => smsFrom !== undefined || whatsappFrom !== undefined, {
        message: "expected smsFrom, whatsappFrom or both",
      })
      .optional()
      .meta({ description: "Text messages and WhatsApp by Twilio; the auth token is POSTERN_TWILIO_TOKEN" }),
    meta: z
      .strictObject({
        phoneNumberId: z.string().regex(/^\d{5,20}$/, "expected the number's id, digits alone"),
        version: z
          .string()
          .regex(/^v\d{1,3}\.\d$/, "expected v25.0")
          .default("v25.0"),
        templates,
      })
      .optional()
      .meta({
        description:
          "WhatsApp by Meta itself, instead of Twilio; POSTERN_META_TOKEN, POSTERN_META_APP_SECRET and POSTERN_META_VERIFY_TOKEN (of one's own making, also the end of the webhook's address)",
      }),
  })
  .meta({ description: "How guests of stays are told, besides by the mail server and Lodgify" });

export const cloudFileSchema = z
  .strictObject({
    data: path.meta({
      description: "The data folder, relative to this file; the store too unless DATABASE_URL is set",
    }),
    http: z.strictObject(http(8090)).prefault({}),
    publicUrl: cloudUrl
      .refine((text) => !URL.canParse(text) || new URL(text).pathname === "/", "expected a URL without a path")
      .optional()
      .meta({
        description:
          "Where people reach the pages, through a proxy say: it stands in links, and passkeys are bound to it",
      }),
    trustedProxies: z.array(network).max(64).default([]).meta({
      description:
        "Addresses or networks of the proxies in front (10.0.0.0/8): whom they name in X-Forwarded-For is the caller. Empty: nobody is believed",
    }),
    retention: retentionSchema.prefault({}),
    mail: mail.optional(),
    notify: notify.prefault({}),
    guests: guests.prefault({}),
    sources: z
      .strictObject({
        lodgifyUrl: origin.optional().meta({ description: "Where Lodgify answers; absent: api.lodgify.com" }),
      })
      .prefault({})
      .meta({ description: "Where bookings are read" }),
    log,
  })
  .refine(({ mail, publicUrl }) => mail === undefined || publicUrl !== undefined, {
    path: ["publicUrl"],
    message: "is needed with mail: the links in it lead there",
  })
  .meta({ title: "Postern cloud-sync" });

const secretName = z.string().regex(/^[A-Za-z0-9]{1,32}$/, "expected a name of letters and digits");
const secretValue = z.string().min(1).max(8192);

export const secretsFileSchema = z
  .strictObject({
    devices: z
      .record(id, z.record(secretName, secretValue))
      .default({})
      .meta({ description: "By device id, then by name" }),
  })
  .meta({ title: "Postern secrets" });

export type GatewayFile = z.output<typeof gatewayFileSchema>;
export type CloudFile = z.output<typeof cloudFileSchema>;
export type SecretsFile = z.output<typeof secretsFileSchema>;

function isNetwork(text: string): boolean {
  const [, address = "", prefix] = /^([0-9A-Fa-f:.]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const bits = isIP(address) === 4 ? 32 : isIP(address) === 6 ? 128 : -1;
  return bits > 0 && Number(prefix ?? 0) <= bits;
}

function isAddress(text: string): boolean {
  const [, port] = /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):([1-9]\d{0,4})$/.exec(text) ?? [];
  return port !== undefined && Number(port) <= 65_535;
}

export function isLoopback(hostname: string): boolean {
  const address = hostname.replace(/^\[|\]$/g, "");
  if (isIP(address) === 4) return address.startsWith("127.");
  return address === "::1" || address === "localhost";
}
