/** What accounts and sign-in are built from, once for each service: the routes of the API and the pages share it. */
import { CredentialSeal } from "../../gateway/wire/credential-seal.ts";
import { RateLimiter } from "../../web/limits.ts";
import type { CloudParts } from "../cloud-parts.ts";
import { everySite } from "../store/people.ts";
import { Passwords } from "./passwords.ts";
import { SessionTokens } from "./session-tokens.ts";

export interface PeopleParts extends CloudParts {
  readonly passwords: Passwords;
  readonly tokens: SessionTokens;
  /** Seals what a second factor is checked by; bound to the person's id. */
  readonly factorSeal: CredentialSeal;
  /** Proofs of any kind that a network (an IPv4 address, an IPv6 /64) may offer, right or wrong: each costs work or a guess. */
  readonly proofRate: RateLimiter;
  /** Challenges that whoever wants to sign in by a passkey asked for. Apart from proofs: asking for one proves and guesses nothing. */
  readonly challengeRate: RateLimiter;
  /** Bursts of proofs that were told, by network. */
  readonly burstNotes: RateLimiter;
  /** Wrong tokens, by network. */
  readonly wrongTokens: RateLimiter;
  /** Links for a new password, by the e-mail address they are asked for. */
  readonly forgotRate: RateLimiter;
}

export function peopleParts(parts: CloudParts): PeopleParts {
  const monotonic = () => parts.clock.monotonic();
  return {
    ...parts,
    passwords: new Passwords(parts.passwordCost),
    tokens: new SessionTokens(parts.siteKeys),
    factorSeal: new CredentialSeal(everySite, parts.siteKeys.serviceKey("second factors")),
    proofRate: new RateLimiter({ burst: 30, perSecond: 0.5 }, monotonic),
    challengeRate: new RateLimiter({ burst: 30, perSecond: 0.5 }, monotonic),
    burstNotes: new RateLimiter({ burst: 1, perSecond: 1 / 3600 }, monotonic),
    forgotRate: new RateLimiter({ burst: 3, perSecond: 3 / 3600 }, monotonic),
    wrongTokens: new RateLimiter({ burst: 30, perSecond: 0.5 }, monotonic),
  };
}
