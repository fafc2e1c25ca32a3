/** A maker's web service of which only the words matter: what a test says it answers, and what it was asked, byte for byte. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";

/** "hang": hears it and never answers · "cut": the line breaks. */
export type PeerAnswer =
  | "hang"
  | "cut"
  | { readonly status: number; readonly body?: object | string; readonly headers?: Readonly<Record<string, string>> };

export interface PeerQuestion {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: string;
}

/** `answer` is asked for each request, which stands in `questions` by then. */
export async function givenPeer(t: TestContext, answer: (question: PeerQuestion) => PeerAnswer) {
  const questions: PeerQuestion[] = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request.setEncoding("utf8")) body += chunk;
    const { method = "", url: path = "", headers } = request;
    const question = { method, path, headers, body };
    questions.push(question);
    const given = answer(question);
    if (given === "cut") return response.destroy();
    if (given === "hang") return;
    const text = typeof given.body === "object" ? JSON.stringify(given.body) : (given.body ?? "");
    response.writeHead(given.status, { "content-type": "application/json", ...given.headers }).end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return {
    questions,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** "POST /users" for each. */
    asked: () => questions.map(({ method, path }) => `${method} ${path}`),
  };
}
