/**
 * How a phone comes to trust the gateway, so that it may be called by https: only there does a browser give a page the camera. Served over the
 * plain line too, because it is for those who cannot use the other one yet. What it hands out is no secret; the fingerprint is to be compared.
 */
import { X509Certificate } from "node:crypto";
import type { Context, Hono } from "hono";
import { Page } from "../../web/page.tsx";
import type { RequestIdEnv } from "../../web/problem.ts";
import { languageOf } from "./language.ts";
import { LanguageSwitch } from "./language-switch.tsx";
import type { StatusSources } from "./status.ts";
import { trustWords } from "./trust-words.ts";

export function addTrustPage(app: Hono<RequestIdEnv>, sources: StatusSources): void {
  app.get("/ca.crt", (c) => c.body(sources.caCertificate, 200, { "content-type": "application/x-x509-ca-cert" }));
  app.get("/trust", (c) => c.html(<TrustPage c={c} sources={sources} />));
}

function TrustPage({ c, sources }: { c: Context; sources: StatusSources }) {
  const language = languageOf(c);
  const words = trustWords[language];
  const { tlsPort } = sources;
  const { hostname } = new URL(c.req.url);
  const address = tlsPort === undefined ? undefined : `https://${hostname}:${tlsPort}/guard`;
  return (
    <Page title={words.title} lang={language}>
      <header>
        <LanguageSwitch language={language} here="/trust" />
        <h1>{words.title}</h1>
        <p>{words.why}</p>
      </header>
      <p>
        <a href="/ca.crt">{words.certificate}</a>
      </p>
      <p>
        {words.compare}
        <br />
        <code class="fingerprint">{new X509Certificate(sources.caCertificate).fingerprint256}</code>
      </p>
      {(["android", "iphone", "computer"] as const).map((kind) => (
        <>
          <h2>{words[kind].name}</h2>
          <ol>
            {words[kind].steps.map((step) => (
              <li>{step}</li>
            ))}
          </ol>
        </>
      ))}
      <h2>{words.callBy}</h2>
      <p>{address === undefined ? words.noTls : <a href={address}>{address}</a>}</p>
    </Page>
  );
}
