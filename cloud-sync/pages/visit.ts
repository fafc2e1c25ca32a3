/** One visit of a page: who comes, in which language, and the API asked in their name. */
import type { CloudEnv } from "../authenticate.ts";
import type { Actor } from "../domain/permissions.ts";
import type { OwnApi } from "./own-api.ts";
import type { Language, Words } from "./words/words.ts";

export const languageCookie = "postern-language";

export interface Visit {
  readonly lang: Language;
  readonly words: Words;
  readonly api: OwnApi;
  /** undefined: on a page for everybody. */
  readonly actor: Actor | undefined;
}

export interface PageEnv extends CloudEnv {
  Variables: CloudEnv["Variables"] & { visit: Visit };
}
