/** What a phone is told of a page that is put on its home screen. Format: https://www.w3.org/TR/appmanifest/ */
import { contentSecurityPolicy, icon } from "./page.tsx";

export interface Installable {
  readonly name: string;
  /** BCP 47. */
  readonly lang: string;
  /** Path where it begins. */
  readonly start: string;
  /** Path below which everything belongs to it. */
  readonly scope: string;
}

/** Of pages that have one. */
export const installablePolicy = contentSecurityPolicy({ "manifest-src": "'self'" });

export const manifestType = "application/manifest+json";

export function manifestOf({ name, lang, start, scope }: Installable): string {
  return JSON.stringify({
    ...{ name, lang, scope },
    short_name: name,
    id: start,
    start_url: start,
    display: "standalone",
    background_color: "#f5f3ec",
    theme_color: "#1f5a4b",
    icons: [{ src: icon, sizes: "any", type: "image/svg+xml", purpose: "any" }],
  });
}
