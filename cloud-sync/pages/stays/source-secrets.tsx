/** What a program that sends bookings is set up with, shown once. */
import { Frame } from "../frame.tsx";
import { Secret } from "../parts/show.tsx";
import type { Visit } from "../visit.ts";

/** As the API tells it. */
export interface HookSecrets {
  readonly url: string;
  readonly secret: string;
}

interface SecretsPageProps {
  readonly visit: Visit;
  readonly source: { readonly id: string; readonly name: string };
  readonly hook: HookSecrets;
}

export function SecretsPage({ visit, source: { id, name }, hook }: SecretsPageProps) {
  const { words } = visit;
  const { letting } = words;
  return (
    <Frame visit={visit} title={letting.secretsTitle} at="/sources">
      <h1>{letting.secretsTitle}</h1>
      <p>{letting.secretsLead(name)}</p>
      <h2>{letting.hookUrl}</h2>
      <Secret id="hook-url" text={hook.url} words={words} />
      <h2>{letting.hookSecret}</h2>
      <Secret text={hook.secret} words={words} />
      <p>
        <a class="button" href={`/sources/${id}`}>
          {words.common.goOn}
        </a>
      </p>
    </Frame>
  );
}
