/** How doors on Brivo panels are reached from outside: the maker's cloud, on loopback and without TLS, its tokens and its subscriptions. */
import type { Clock } from "../../gateway/ports/clock.ts";
import { Faults } from "../faults.ts";
import type { SimCloudDoor } from "../sim-cloud-door.ts";
import {
  BrivoAccount,
  type BrivoEvent,
  type BrivoGroup,
  type BrivoSubscription,
  type BrivoUser,
} from "./brivo-account.ts";
import { badCriteria, brivoError, noDeveloper, noService, tooMany } from "./brivo-errors.ts";
import { type BrivoRules, findBrivoRoute } from "./brivo-routes.ts";
import { event } from "./brivo-shapes.ts";
import { type BrivoLogin, type BrivoTokenLife, BrivoTokens } from "./brivo-tokens.ts";
import type { BrivoPerson } from "./brivo-user-body.ts";
import {
  type CloudAnswer,
  type CloudCall,
  CloudPort,
  type CloudRequest,
  type CloudTrouble,
  type CloudTroubleScope,
} from "./cloud-port.ts";
import { EventCourier } from "./event-courier.ts";

export interface BrivoQuirks extends BrivoRules, BrivoTokenLife {}

export interface BrivoServerOptions extends BrivoLogin {
  readonly doors: readonly SimCloudDoor[];
  /** Doors by their numbers; the schedule of every group is always. */
  readonly groups: readonly BrivoGroup[];
  /** Of the developer, along with each request. */
  readonly apiKey: string;
  readonly clock: Clock;
  readonly faults?: Faults;
  readonly site?: { readonly id: number; readonly name: string };
  readonly quirks?: Partial<Omit<BrivoQuirks, "verbs">> & { readonly verbs?: Partial<BrivoQuirks["verbs"]> };
}

/** As documented, as far as it is. */
export const documentedBrivo: BrivoQuirks = {
  tokenLifeS: 60,
  refreshLifeS: 3_600,
  refreshRotates: false,
  pinDigits: { min: 4, max: 8 },
  notActivated: [],
  actions: {
    pulse: { id: 5_064, action: "Administrator Pulse Output", exception: false },
    admitted: { id: 2_004, action: "Access by User", exception: false },
    refused: { id: 2_013, action: "Failed Access by Unauthorized Credential", exception: true },
    exit: { id: 5_054, action: "Request to Exit", exception: false },
    forced: { id: 5_001, action: "Door Forced Open", exception: true },
    "held-open": { id: 5_002, action: "Door Ajar", exception: true },
  },
  verbs: {
    "replace-user": ["PUT"],
    "patch-user": ["PATCH"],
    "suspend-user": ["PUT"],
    activate: ["POST"],
    "set-override": ["POST"],
    "cancel-override": ["DELETE"],
  },
};

const noJson = brivoError(415, "Unsupported Media Type");

export class BrivoServer {
  /** May change at any time; holds from the next request on. */
  readonly quirks: BrivoQuirks;
  readonly faults: Faults;
  readonly courier: EventCourier;
  readonly #options: BrivoServerOptions;
  readonly #account: BrivoAccount;
  readonly #tokens: BrivoTokens;
  readonly #port: CloudPort;
  readonly #errorMails: string[] = [];

  constructor(options: BrivoServerOptions) {
    const { clock, doors, groups, faults = new Faults(), site = { id: 7_833_522, name: "Hub" } } = options;
    this.#options = options;
    this.quirks = {
      ...documentedBrivo,
      ...options.quirks,
      verbs: { ...documentedBrivo.verbs, ...options.quirks?.verbs },
    };
    this.faults = faults;
    this.courier = new EventCourier(clock, new Faults());
    this.#account = new BrivoAccount({ doors, groups, site, clock, tell: (happened, to) => this.#tell(happened, to) });
    this.#tokens = new BrivoTokens(options, this.quirks, clock);
    this.#port = new CloudPort({ clock, faults, answer: (request) => this.#answer(request) });
  }

  get calls(): readonly CloudCall[] {
    return this.#port.calls;
  }

  /** Addresses that were told of a subscription that could not be served; of very many the last. */
  get errorMails(): readonly string[] {
    return this.#errorMails;
  }

  /** Keeps its port over stop(). Both services are behind it. */
  async start(): Promise<{ authUrl: string; apiUrl: string }> {
    const { url } = await this.#port.start();
    this.#account.start();
    return { authUrl: url, apiUrl: `${url}/v1/api` };
  }

  /** The panels go on by what they keep; tokens stay valid. */
  async stop(): Promise<void> {
    this.#account.stop();
    this.courier.stop();
    await this.#port.stop();
  }

  trouble(what: CloudTrouble, scope?: CloudTroubleScope): void {
    this.#port.trouble(what, scope);
  }

  /** Without `times` every request that is meant, until settle(). */
  refuse(status: number, scope: CloudTroubleScope = {}): void {
    const pages = new Map([
      [429, tooMany],
      [596, noService],
    ]);
    const answer = pages.get(status) ?? brivoError(status, "The service is not available");
    this.#port.trouble({ answer }, { times: Number.POSITIVE_INFINITY, ...scope });
  }

  settle(): void {
    this.#port.settle();
  }

  /** From now on every access token that was given is expired. */
  expireTokens(): void {
    this.#tokens.expireAccess();
  }

  /** Only user name and password help. */
  revokeRefreshTokens(): void {
    this.#tokens.revokeRefresh();
  }

  /** An administrator adds somebody on Brivo's own pages. Throws where those would refuse it. */
  addByHand(person: BrivoPerson, groupId: number): BrivoUser {
    const user = this.#account.addUser(person);
    if (user === "refused" || this.#account.join(groupId, user.id) !== "done")
      throw new Error(`${person.firstName} cannot be added`);
    return user;
  }

  takeByHand(user: number): void {
    this.#account.removeUser(user);
  }

  users(): readonly BrivoUser[] {
    return this.#account.users();
  }

  membersOf(groupId: number): readonly BrivoUser[] {
    return this.#account.membersOf(groupId);
  }

  subscriptions(): readonly BrivoSubscription[] {
    return this.#account.subscriptions();
  }

  #answer(request: CloudRequest): CloudAnswer {
    const { method, path, headers } = request;
    const hasKey = headers["api-key"] === this.#options.apiKey;
    if (path.join("/") === "oauth/token") {
      if (method !== "POST") return noService;
      return hasKey ? this.#tokens.answer(request) : noDeveloper;
    }
    const [version, api, ...rest] = path;
    const route =
      version === "v1" && api === "api" ? findBrivoRoute({ ...request, path: rest }, this.quirks) : undefined;
    if (!route) return noService;
    if (!hasKey) return noDeveloper;
    const objection = this.#tokens.objectionTo(headers.authorization);
    if (objection) return objection;
    if (request.body !== "" && !headers["content-type"]?.startsWith("application/json")) return noJson;
    try {
      return route({ account: this.#account, rules: this.quirks });
    } catch (error) {
      if (error instanceof SyntaxError) return badCriteria;
      throw error;
    }
  }

  #tell(happened: BrivoEvent, { url, errorEmail }: BrivoSubscription): void {
    this.courier.bring({
      url,
      event: event(this.#account, happened, this.quirks.actions),
      onFailure: () => {
        if (errorEmail !== undefined) this.#errorMails.push(errorEmail);
        if (this.#errorMails.length > 100) this.#errorMails.shift();
      },
    });
  }
}
