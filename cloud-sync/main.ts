/** Starts the service: store, keys, routes, port, and a link while nobody is administrator; and stops it in the opposite order. */
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import type { Retention } from "../config/schema.ts";
import type { Clock } from "../gateway/ports/clock.ts";
import type { Logger } from "../gateway/ports/logger.ts";
import type { SecretString } from "../gateway/wire/secret.ts";
import { cloudApp } from "./app.ts";
import { guestServices, type MetaSettings, type TwilioSettings } from "./channels/guest-services.ts";
import { type OneSignalOptions, oneSignal } from "./channels/one-signal.ts";
import { type SmtpOptions, smtpChannel } from "./channels/smtp.ts";
import type { CloudParts } from "./cloud-parts.ts";
import { hashOf } from "./ids.ts";
import { copyAtStop, keepCopies } from "./jobs/copies.ts";
import { keepHouse } from "./jobs/housekeeping.ts";
import { keepSpares } from "./jobs/keep-spares.ts";
import { provisionStays } from "./jobs/provision-stays.ts";
import { readSources } from "./jobs/read-sources.ts";
import { sendMails } from "./jobs/send-mail.ts";
import { sendNotices } from "./jobs/send-notices.ts";
import { sweepStays } from "./jobs/sweep-stays.ts";
import { tellGuests } from "./jobs/tell-guests.ts";
import { watchStays } from "./jobs/watch-stays.ts";

import { writeKeyCodes } from "./jobs/write-key-codes.ts";
import { Meters } from "./meters.ts";
import { makeFirstAdminLink } from "./people/links.ts";
import { loggerWithoutValues, withoutValues } from "./query-values.ts";
import { CloudStartError } from "./start-error.ts";
import { demandStrong } from "./store/admin-tokens.ts";
import { openStore } from "./store/open-store.ts";
import { openSiteKeys } from "./store/site-keys.ts";

export interface CloudOptions {
  /** `port` 0: any free one. */
  readonly http: { readonly host: string; readonly port: number };
  /** For PGlite's files and, unless `masterKey` is given, the master key. */
  readonly dataFolder: string;
  /** postgres://…; unset: PGlite in the data folder. */
  readonly databaseUrl?: string | undefined;
  /** Where people reach the pages: https://…, or http:// on this machine; unset: where they came to. */
  readonly publicUrl?: string | undefined;
  /** Addresses and networks ("10.0.0.0/8") of the proxies in front; only they are believed whom a request comes from. */
  readonly trustedProxies?: readonly string[] | undefined;
  /** An administrator's token beside people's accounts, see demandStrong; for scripts. */
  readonly adminToken?: SecretString | undefined;
  /** 32 bytes in base64url; unset: POSTERN_MASTER_KEY, else the data folder's, made at the first start. Replicas need the same. */
  readonly masterKey?: SecretString | undefined;
  /** How long what is kept; unset: the configuration's defaults. */
  readonly retention?: Retention | undefined;
  /** By which people who have forgotten their password get a link; wants `publicUrl`. Unset: none is sent. */
  readonly mail?: SmtpOptions | undefined;
  /** Text messages and WhatsApp to guests; unset: none are sent by it. */
  readonly twilio?: TwilioSettings | undefined;
  /** WhatsApp by Meta itself. */
  readonly meta?: MetaSettings | undefined;
  /** Where residents have an app that gets its notices by OneSignal; unset: browsers and mail alone. */
  readonly oneSignal?: Omit<OneSignalOptions, "publicUrl"> | undefined;
  /** Origins of push services besides the browsers' own. */
  readonly pushServices?: readonly string[] | undefined;
  /** Unset: Lodgify's own. */
  readonly lodgifyUrl?: string | undefined;
  /** Origins of calendars that may be on a private network and without TLS. */
  readonly calendarOrigins?: readonly string[] | undefined;
  readonly version?: string | undefined;
  readonly logger: Logger;
  readonly clock: Clock;
}

export interface RunningCloud {
  readonly url: string;
  /** While nobody is administrator and no token was given: print it. Good once, for a day; the next start makes another. */
  readonly firstAdminLink?: SecretString;
  /** Answers held polls, ends streams, closes the store; within 5 s. */
  stop(): Promise<void>;
}

/** Requests under way get so long to end once the service stops. */
const drainMs = 3_000;
/** And the last copy of an embedded store so long after them. */
const lastCopyMs = 1_000;

/** Rejects with a CloudStartError that says what to do. */
export async function startCloud(options: CloudOptions): Promise<RunningCloud> {
  try {
    return await start({ ...options, logger: loggerWithoutValues(options.logger) });
  } catch (error) {
    throw withoutValues(error as Error);
  }
}

async function start(options: CloudOptions): Promise<RunningCloud> {
  if (options.adminToken) demandStrong(options.adminToken);
  const { logger, clock, dataFolder, databaseUrl } = options;
  const stopping = new AbortController();
  const store = await openStore({ databaseUrl, dataFolder, clock, logger });
  let server: Server | undefined;
  try {
    const siteKeys = await openSiteKeys(store.db, dataFolder, options.masterKey);
    const given = options.adminToken;
    const publicUrl = options.publicUrl?.replace(/\/$/, "");
    const parts: CloudParts = {
      store,
      siteKeys,
      clock,
      logger,
      adminTokenHashes: given ? [hashOf(given.reveal())] : [],
      ...(publicUrl !== undefined && { publicUrl }),
      trustedProxies: options.trustedProxies,
      retention: options.retention,
      ...(options.mail && { mail: smtpChannel(options.mail) }),
      guests: guestServices({
        twilio: options.twilio,
        meta: options.meta,
        publicUrl,
        key: siteKeys.serviceKey("guest callbacks"),
      }),
      ...(options.oneSignal && { app: oneSignal({ ...options.oneSignal, publicUrl }) }),
      pushServices: options.pushServices,
      lodgifyUrl: options.lodgifyUrl,
      calendarOrigins: options.calendarOrigins,
      version: options.version ?? "0.1.0",
      stopping: stopping.signal,
    };
    const listening = await listen(parts, options.http);
    server = listening;
    const { address, port } = listening.address() as AddressInfo;
    const url = `http://${address.includes(":") ? `[${address}]` : address}:${port}`;
    const firstAdminLink = given ? undefined : await makeFirstAdminLink(store, parts.publicUrl ?? url, clock.wall());
    const isEmbedded = databaseUrl === undefined;
    const jobs = Promise.all([
      keepHouse(parts),
      ...(isEmbedded ? [keepCopies(parts, dataFolder)] : []),
      ...(parts.mail ? [sendMails(parts, parts.mail)] : []),
      sendNotices(parts),
      provisionStays(parts),
      keepSpares(parts),
      readSources(parts),
      watchStays(parts),
      sweepStays(parts),
      tellGuests(parts),
      writeKeyCodes(parts),
    ]);
    logger.info("cloud-started", { url, store: isEmbedded ? "pglite" : "postgresql" });
    return {
      url,
      ...(firstAdminLink && { firstAdminLink }),
      async stop() {
        stopping.abort();
        await Promise.all([closed(listening, clock), jobs]);
        if (isEmbedded) await copyAtStop(parts, dataFolder, lastCopyMs);
        await store.close();
        logger.info("cloud-stopped");
      },
    };
  } catch (error) {
    stopping.abort();
    if (server) await closed(server, clock);
    await store.close();
    throw error;
  }
}

async function listen(parts: CloudParts, { host, port }: CloudOptions["http"]): Promise<Server> {
  const server = createAdaptorServer({ fetch: cloudApp(parts, new Meters().addProcess()).fetch }) as Server;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const inUse = cause.code === "EADDRINUSE";
      const why = inUse ? "is in use; set http.port of cloud-sync to a free one" : `cannot be used (${cause.code})`;
      reject(new CloudStartError("port-in-use", `port ${port} on ${host} ${why}`, { cause }));
    });
    server.listen(port, host, resolve);
  });
  return server;
}

/** Waits for requests under way, but not for long. */
async function closed(server: Server, clock: Clock): Promise<void> {
  const done = new AbortController();
  const close = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  server.closeIdleConnections();
  const late = clock.sleep(drainMs, done.signal).then(
    () => server.closeAllConnections(),
    () => undefined,
  );
  await close;
  done.abort();
  await late;
}
