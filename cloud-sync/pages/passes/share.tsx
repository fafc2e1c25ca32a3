/** The share sheet of a pass: its link by whichever way the host writes to people, its picture, and paper. */
import { Form } from "../parts/form.tsx";
import { inZone } from "../parts/moments.tsx";
import type { SeenSite } from "../sites.tsx";
import type { Visit } from "../visit.ts";
import type { SeenPass } from "./pass-shapes.ts";

interface ShareProps {
  readonly visit: Visit;
  readonly pass: SeenPass;
  readonly site: Pick<SeenSite, "name" | "zone">;
  /** null: none was made yet. */
  readonly url: string | null;
}

export function ShareSheet({ visit: { words, lang }, pass, site, url }: ShareProps) {
  const { passes } = words;
  const makeLink = (submit: string) => (
    <Form action={`/passes/${pass.id}/link`} words={words} submit={submit} tone="secondary" class="row" />
  );
  if (url === null) return <section class="no-print">{makeLink(passes.makeLink)}</section>;
  const text = passes.invitation({
    visitor: pass.visitorName,
    host: pass.host,
    site: site.name,
    until: inZone(pass.validUntil, site.zone, lang),
    url,
  });
  const said = encodeURIComponent(text);
  const ways = [
    { label: passes.whatsApp, href: `https://wa.me/?text=${said}`, target: "_blank" },
    { label: passes.sms, href: `sms:?&body=${said}` },
    { label: passes.email, href: `mailto:?subject=${encodeURIComponent(passes.subject(site.name))}&body=${said}` },
  ];
  return (
    <section class="share no-print" aria-labelledby="share">
      <h2 id="share">{passes.share}</h2>
      <p class="row">
        {ways.map(({ label, href, target }) => (
          <a class="button" href={href} target={target} rel="noopener noreferrer">
            {label}
          </a>
        ))}
        <button type="button" data-share={text} hidden>
          {passes.native}
        </button>
      </p>
      <p class="row">
        <output id="pass-link">{url}</output>
        <button type="button" class="secondary" data-copy="pass-link" data-copied={words.common.copied} hidden>
          {passes.copyLink}
        </button>
      </p>
      <p class="row">
        <a href={`/api/passes/${pass.id}/qr.png`} download="pass.png">
          {passes.picture}
        </a>
        <button type="button" class="plain" data-print hidden>
          {passes.print}
        </button>
      </p>
      <p>
        <small>{passes.shareHint}</small>
      </p>
      <details>
        <summary>{passes.renewLink}</summary>
        <p>{passes.renewHint}</p>
        {makeLink(passes.renewLink)}
      </details>
    </section>
  );
}
