/**
 * One account at Ring: one child process, however many of its devices the gateway has, because two clients with one token put each other
 * out. It runs from the first device's start to the last one's stop.
 */
import type { Millis } from "../../domain/instant.ts";
import type { CommandResult } from "../../ports/device.ts";
import type { DriverContext } from "../../ports/driver.ts";
import { SecretString } from "../../wire/secret.ts";
import { type AskOptions, SupervisedChild } from "../common/supervised-child.ts";
import { chainId, TokenChain } from "../common/token-chain.ts";
import type { Options } from "./options.ts";
import { type Answer, answerSchema, type Begin, type Facts, type News, newsSchema } from "./wire.ts";

export interface Member {
  readonly options: Options;
  here(facts: Facts): void;
  gone(why: string): void;
  /** Only a person can help; undefined: it works. */
  needs(attention: string | undefined): void;
}

type AccountContext = Pick<DriverContext, "clock" | "logger" | "vault">;

/** The daily renewal is no news as long as it takes less. */
const renewalMs: Millis = 60_000;
const toldMs: Millis = 30_000;
const usualPollMs: Millis = 60_000;

/** By what all devices of one gateway have in common, and by token. */
const accounts = new WeakMap<object, Map<string, RingAccount>>();

export function accountOf(context: AccountContext, token: SecretString): RingAccount {
  const ofGateway = accounts.getOrInsertComputed(context.vault ?? context.clock, () => new Map());
  return ofGateway.getOrInsertComputed(chainId("ring", token), () => new RingAccount(context, token));
}

export class RingAccount {
  readonly #clock: DriverContext["clock"];
  readonly #logger: DriverContext["logger"];
  readonly #chain: TokenChain;
  readonly #child: SupervisedChild<Answer, News>;
  readonly #members = new Set<Member>();
  /** Whom the running process knows of. */
  #known: ReadonlySet<Member> = new Set();
  #isRefused = false;
  /** Fires when news come. */
  #back = new AbortController();

  constructor({ clock, logger, vault }: AccountContext, token: SecretString) {
    this.#clock = clock;
    this.#logger = logger;
    this.#chain = new TokenChain("ring", token, { clock, logger, ...(vault && { vault }) });
    this.#child = new SupervisedChild({
      module: new URL("child.ts", import.meta.url),
      begin: () => this.#begin(),
      answer: answerSchema,
      news: newsSchema,
      onNews: (news) => this.#hear(news),
      onEnd: ({ why, awayMs }) => void this.#ended(why, awayMs),
      secrets: () => this.#chain.secrets.flatMap((token) => [token, ...partsOf(token)]),
      environmentPrefix: "POSTERN_RING_ENV_",
      clock,
      logger,
    });
  }

  join(member: Member): void {
    if (this.#members.has(member)) return;
    this.#members.add(member);
    if (this.#known.size > 0 && !this.#known.has(member)) this.#child.renew("another device");
    this.#child.start();
  }

  /** Resolves when nothing is done for it any more, and the newest token is kept. */
  async leave(member: Member): Promise<void> {
    if (!this.#members.delete(member) || this.#members.size > 0) return;
    await this.#child.stop();
    await this.#chain.newest().catch(() => undefined);
  }

  /** "refused": it was not sent. A command of which nobody knows what became ends the process, and all that it might still do. */
  async move(member: Member, to: "released" | "secured", options: AskOptions): Promise<CommandResult> {
    const { device } = member.options;
    const answer = await this.#child.ask({ do: "move", device, to, budgetMs: options.deadlineMs }, options);
    const { result, why } =
      answer.kind === "answered"
        ? answer.answer
        : { result: answer.kind === "unsent" ? ("refused" as const) : ("unknown" as const), why: answer.why };
    if (why !== undefined) this.#logger.warn("command-not-proven", { ringId: device, to, result, why });
    if (result === "unknown") this.#child.renew("nobody knows what became of a command");
    return result;
  }

  async #begin(): Promise<Begin> {
    const token = await this.#chain.newest();
    this.#known = new Set(this.#members);
    const all = [...this.#known].map(({ options }) => options);
    const places = all.map(({ location }) => location);
    const polls = all.flatMap((options) => (options.kind === "intercom" ? [options.pollMs] : []));
    return {
      token: token.reveal(),
      systemId: `postern ${this.#chain.id}`,
      // One that says nothing of its place is looked for in all of them.
      locations: places.every((place) => place !== undefined) ? [...new Set(places)] : null,
      pollMs: Math.min(usualPollMs, ...polls),
      devices: all.map(({ device, kind }) => ({ id: device, kind })),
    };
  }

  #hear(news: News): void {
    switch (news.news) {
      case "token":
        return void this.#keep(new SecretString(news.token), news.number);
      case "token-refused": {
        const attention = "Ring does not take the refresh token any more: sign in again";
        this.#isRefused = true;
        this.#logger.error("ring-sign-in-again", {
          status: news.status,
          hint: "Run npx -p ring-client-api ring-auth-cli, put the new refreshToken into the secrets, and start the gateway again.",
        });
        for (const member of this.#members) member.needs(attention);
        return;
      }
      case "here":
        this.#back.abort();
        this.#back = new AbortController();
        this.#isRefused = false;
        for (const member of this.#membersFor(news.device)) {
          member.needs(undefined);
          member.here(news.facts);
        }
        return;
      case "gone":
        for (const member of this.#membersFor(news.device)) member.gone(news.why);
        return;
      case "absent": {
        const { device, known } = news;
        this.#logger.error("ring-device-not-found", { ringId: device, known });
        for (const member of this.#membersFor(device)) {
          member.needs(`the Ring account has no ${member.options.kind} with the id ${device}`);
          member.gone("it is not in the account");
        }
      }
    }
  }

  async #keep(token: SecretString, number: number): Promise<void> {
    await this.#chain.keep(token);
    const options = { deadlineMs: toldMs, signal: new AbortController().signal };
    const { kind } = await this.#child.ask({ do: "token-kept", number }, options);
    // It waits for this word, and would for ever.
    if (kind !== "answered") this.#child.renew("it could not be told that its token is kept");
  }

  async #ended(why: string, awayMs: number | undefined): Promise<void> {
    this.#known = new Set();
    if (awayMs === 0) {
      const isBack = this.#back.signal;
      await this.#clock.sleep(renewalMs, isBack).catch(() => undefined);
      if (isBack.aborted) return;
    }
    for (const member of this.#members) member.gone(this.#isRefused ? "Ring does not take the token" : why);
  }

  *#membersFor(device: string): Generator<Member> {
    for (const member of this.#members) if (member.options.device === device) yield member;
  }
}

/** The library wraps Ring's own token in JSON in base64. */
function partsOf(token: SecretString): SecretString[] {
  try {
    const { rt } = JSON.parse(Buffer.from(token.reveal(), "base64").toString()) as { readonly rt?: unknown };
    return typeof rt === "string" ? [new SecretString(rt)] : [];
  } catch {
    return [];
  }
}
