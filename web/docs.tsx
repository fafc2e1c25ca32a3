/** /openapi.json and /docs: the operations of a service as one page for people, without scripts and without outside assets. */
import { createHash } from "node:crypto";
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Env } from "hono";
import { raw } from "hono/html";
import type { Child } from "hono/jsx";

export interface DocsInfo {
  readonly title: string;
  readonly version: string;
  /** Shown above the operations; plain text, paragraphs parted by an empty line. */
  readonly description: string;
}

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
type JsonObject = { readonly [key: string]: Json };

const methods = ["get", "post", "put", "patch", "delete"] as const;

const style = `
:root{color-scheme:light dark;--line:#8884;--soft:#8881;--accent:light-dark(#0b57d0,#8ab4f8)}
*{box-sizing:border-box}
body{margin:0;font:16px/1.5 system-ui,sans-serif;color:light-dark(#1b1b1f,#e3e2e6);background:light-dark(#fff,#131316)}
header,main,nav{max-width:64rem;margin:auto;padding:1rem}
nav ul{columns:18rem;padding:0;margin:0;list-style:none}
nav li{break-inside:avoid}
a{color:var(--accent)}
h2{margin:2.5rem 0 .5rem;border-bottom:1px solid var(--line)}
details{border:1px solid var(--line);border-radius:.5rem;margin:.5rem 0}
summary{padding:.6rem .8rem;cursor:pointer;display:flex;gap:.75rem;flex-wrap:wrap;align-items:baseline}
details>div{padding:0 .8rem .8rem}
summary:focus-visible,a:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
.method{font:600 .8rem/1 ui-monospace,monospace;min-width:4.2rem;text-transform:uppercase;color:var(--accent)}
summary code{min-width:0;overflow-wrap:anywhere}
code,pre{font:.85rem/1.45 ui-monospace,monospace}
pre{background:var(--soft);padding:.7rem;border-radius:.4rem;overflow:auto;margin:.3rem 0}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.9rem}
th,td{text-align:left;padding:.3rem .6rem .3rem 0;vertical-align:top;border-bottom:1px solid var(--line)}
.soft{opacity:.75}
`;
const styleHash = createHash("sha256").update(style).digest("base64");
const contentSecurityPolicy = `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

/** Adds both routes. Call it after the service's own routes are in. */
export function addDocs<E extends Env>(app: OpenAPIHono<E>, info: DocsInfo): void {
  const document = once(() =>
    app.getOpenAPI31Document({
      openapi: "3.1.0",
      info: { title: info.title, version: info.version, description: info.description },
    }),
  );
  app.get("/openapi.json", (c) => c.json(document()));
  app.get("/docs", (c) => {
    c.header("content-security-policy", contentSecurityPolicy);
    const page = <DocsPage info={info} document={document() as unknown as JsonObject} />;
    return c.html(
      <>
        {raw("<!doctype html>")}
        {page}
      </>,
    );
  });
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

interface Operation {
  readonly method: string;
  readonly path: string;
  readonly id: string;
  readonly content: JsonObject;
}

function DocsPage({ info, document }: { info: DocsInfo; document: JsonObject }) {
  const groups = operationsByTag(document);
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>{info.title}</title>
        <style>{raw(style)}</style>
      </head>
      <body>
        <header>
          <h1>{info.title}</h1>
          {info.description.split("\n\n").map((paragraph) => (
            <p>{paragraph}</p>
          ))}
          <p class="soft">
            Version {info.version} · <a href="openapi.json">openapi.json</a>
          </p>
        </header>
        <nav aria-label="Operations">
          <ul>
            {[...groups].flatMap(([, operations]) =>
              operations.map(({ id, content }) => (
                <li>
                  <a href={`#${id}`}>{text(content.summary) || id}</a>
                </li>
              )),
            )}
          </ul>
        </nav>
        <main>
          {[...groups].map(([tag, operations]) => (
            <section>
              <h2>{tag}</h2>
              {operations.map((operation) => (
                <OperationDetails operation={operation} document={document} />
              ))}
            </section>
          ))}
        </main>
      </body>
    </html>
  );
}

function OperationDetails({ operation, document }: { operation: Operation; document: JsonObject }) {
  const { content } = operation;
  const parameters = list(content.parameters).map((one) => resolve(one, document));
  const body = object(content.requestBody);
  return (
    <details id={operation.id}>
      <summary>
        <span class="method">{operation.method}</span>
        <code>{operation.path}</code>
        <span>{text(content.summary)}</span>
      </summary>
      <div>
        {content.description ? <p>{text(content.description)}</p> : null}
        {list(content.security).length > 0 ? <p class="soft">Needs a bearer token.</p> : null}
        {parameters.length > 0 ? <Parameters parameters={parameters} /> : null}
        {body.content ? <Content title="Body" content={object(body.content)} document={document} /> : null}
        {Object.entries(object(content.responses)).map(([status, response]) => {
          const answer = resolve(response, document);
          return (
            <Content
              title={`${status} ${text(answer.description)}`}
              content={object(answer.content)}
              document={document}
            />
          );
        })}
      </div>
    </details>
  );
}

function Parameters({ parameters }: { parameters: readonly JsonObject[] }) {
  return (
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th>Parameter</th>
            <th>In</th>
            <th>Values</th>
            <th>Meaning</th>
          </tr>
        </thead>
        <tbody>
          {parameters.map((one) => (
            <tr>
              <td>
                <code>{text(one.name)}</code>
                {one.required ? "" : " (optional)"}
              </td>
              <td>{text(one.in)}</td>
              <td>
                <code>{shapeName(object(one.schema))}</code>
              </td>
              <td>{text(one.description) || text(object(one.schema).description)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** A problem's shape is the same everywhere; one line says so. */
function Content({ title, content, document }: { title: string; content: JsonObject; document: JsonObject }): Child {
  const [entry] = Object.entries(content);
  if (!entry || entry[0] === "application/problem+json") return <p class="soft">{title}</p>;
  const media = object(entry[1]);
  const schema = object(media.schema);
  const shown = media.example ?? exampleOf(schema, document, 0);
  return (
    <>
      <h3>{title}</h3>
      <p class="soft">
        <code>{entry[0]}</code>
      </p>
      <Fields schema={resolve(schema, document)} document={document} />
      <pre>{typeof shown === "string" ? shown : JSON.stringify(shown, undefined, 2)}</pre>
    </>
  );
}

function Fields({ schema, document }: { schema: JsonObject; document: JsonObject }) {
  const described = Object.entries(object(schema.properties)).filter(([, one]) => resolve(one, document).description);
  if (described.length === 0) return null;
  return (
    <div class="scroll">
      <table>
        <tbody>
          {described.map(([name, one]) => (
            <tr>
              <td>
                <code>{name}</code>
              </td>
              <td>
                <code>{shapeName(resolve(one, document))}</code>
              </td>
              <td>{text(resolve(one, document).description)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function operationsByTag(document: JsonObject): Map<string, Operation[]> {
  const groups = new Map<string, Operation[]>();
  for (const [path, operations] of Object.entries(object(document.paths))) {
    for (const method of methods) {
      const content = object(object(operations)[method]);
      if (Object.keys(content).length === 0) continue;
      const tag = text(list(content.tags)[0]) || "Operations";
      const id = `${method}${path.replaceAll(/[^A-Za-z0-9]+/g, "-")}`;
      groups.set(tag, [...(groups.get(tag) ?? []), { method, path, id, content }]);
    }
  }
  return groups;
}

/** What a value of this schema looks like, from its examples where it has them. */
function exampleOf(given: JsonObject, document: JsonObject, depth: number): Json {
  const schema = resolve(given, document);
  if (schema.example !== undefined) return schema.example;
  const [example] = list(schema.examples);
  if (example !== undefined) return example;
  if (schema.const !== undefined) return schema.const;
  if (depth > 6) return "…";
  const [choice] = [...list(schema.oneOf), ...list(schema.anyOf)];
  if (choice !== undefined) return exampleOf(object(choice), document, depth + 1);
  const [value] = list(schema.enum);
  if (value !== undefined) return value;
  if (list(schema.allOf).length > 0) {
    return Object.assign({}, ...list(schema.allOf).map((one) => exampleOf(object(one), document, depth + 1)));
  }
  const type = list(schema.type)[0] ?? schema.type;
  if (schema.properties) {
    return Object.fromEntries(
      Object.entries(object(schema.properties)).map(([name, one]) => [
        name,
        exampleOf(object(one), document, depth + 1),
      ]),
    );
  }
  if (type === "array") return [exampleOf(object(schema.items), document, depth + 1)];
  if (type === "object") return {};
  if (type === "integer" || type === "number") return typeof schema.minimum === "number" ? schema.minimum : 0;
  if (type === "boolean") return false;
  if (type === "null") return null;
  return schema.format === "date-time" ? "2031-03-04T14:00:00Z" : "…";
}

function shapeName(schema: JsonObject): string {
  const values = list(schema.enum);
  if (values.length > 0) return values.map((value) => JSON.stringify(value)).join(" | ");
  const choices = [...list(schema.oneOf), ...list(schema.anyOf)];
  if (choices.length > 0) return choices.map((choice) => shapeName(object(choice))).join(" | ");
  if (schema.$ref) return text(schema.$ref).split("/").at(-1) ?? "";
  const type = Array.isArray(schema.type) ? schema.type.join(" | ") : text(schema.type);
  return [type || "any", text(schema.format)].filter(Boolean).join(" ");
}

/** Follows a reference into the document's components. */
function resolve(value: Json | undefined, document: JsonObject): JsonObject {
  const found = object(value);
  if (typeof found.$ref !== "string") return found;
  return found.$ref
    .split("/")
    .slice(1)
    .reduce<JsonObject>((at, part) => object(at[part]), document);
}

function object(value: Json | undefined): JsonObject {
  return value !== null && typeof value === "object" && !Array.isArray(value) ? (value as JsonObject) : {};
}

function list(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

function text(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}
