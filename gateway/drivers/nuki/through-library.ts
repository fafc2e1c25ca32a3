/**
 * State, action and log through nuki-web-api, as it is, with what it lacks: a deadline, an end to a long answer, and errors that can be
 * handed on. Its own carry the request with the token, so nothing of them is kept but the status or the code of the connection.
 */
import Nuki from "nuki-web-api";
import { failedAnswer, type WebAnswer } from "../common/web-answer.ts";
import type { Send, WebAccount } from "./web-account.ts";

const answerBytesMax = 1024 * 1024;

export const readSmartlock =
  (smartlockId: number): Send =>
  (account, signal) =>
    answered(account, signal, (nuki) => nuki.getSmartlock(smartlockId));

export const readLog =
  (smartlockId: number, limit: number): Send =>
  (account, signal) =>
    answered(account, signal, (nuki) => nuki.getSmartlockLogs(smartlockId, { limit }));

/** A number of the maker's list of actions. */
export const act =
  (smartlockId: number, action: number): Send =>
  (account, signal) =>
    answered(account, signal, (nuki) => nuki.setAction(smartlockId, action));

async function answered(
  account: WebAccount,
  signal: AbortSignal,
  call: (nuki: BoundedNuki) => PromiseLike<unknown>,
): Promise<WebAnswer> {
  if (signal.aborted) return { kind: "unsent", why: "called off" };
  const nuki = new BoundedNuki(account);
  const { promise: ended, resolve: end } = Promise.withResolvers<WebAnswer>();
  const giveUp = (why: string) => {
    // An aborted request never settles by itself.
    nuki.abort();
    end({ kind: nuki.wasConnected ? "unanswered" : "unsent", why });
  };
  const onAbort = () => giveUp("time-out");
  nuki.onTooLong = () => giveUp(`more than ${answerBytesMax} bytes`);
  signal.addEventListener("abort", onAbort, { once: true });
  call(nuki).then(
    (body) => end({ kind: "answered", status: 200, body }),
    (error: unknown) => {
      const answer = failed(error);
      end(answer.kind === "unanswered" && !nuki.wasConnected ? { ...answer, kind: "unsent" } : answer);
    },
  );
  try {
    return await ended;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

function failed(error: unknown): WebAnswer {
  const { statusCode, name } = error as { statusCode?: unknown; name?: unknown };
  if (typeof statusCode === "number") return { kind: "answered", status: statusCode, body: undefined };
  // Its own complaint that the answer was not what it should be.
  if (name === "Error") return { kind: "answered", status: 200, body: undefined };
  return failedAnswer(error);
}

class BoundedNuki extends Nuki {
  onTooLong: () => void = () => undefined;
  #wasConnected = false;
  #request: ReturnType<Nuki["_req"]> | undefined;

  constructor({ token, url }: WebAccount) {
    super(token.reveal(), { url });
  }

  /** Before that nothing of it can have been heard. */
  get wasConnected(): boolean {
    return this.#wasConnected;
  }

  abort(): void {
    this.#request?.abort();
  }

  protected override _req(...[paths, parameters, method, body]: Parameters<Nuki["_req"]>): ReturnType<Nuki["_req"]> {
    // A redirect would take the command, and perhaps the token, to where nobody meant it to go.
    const request = super._req(paths, parameters, method, body, { followRedirect: false, proxy: null });
    const onConnect = () => {
      this.#wasConnected = true;
    };
    request.on("socket", (socket) => (socket.connecting ? socket.once("connect", onConnect) : onConnect()));
    let length = 0;
    request.on("data", (chunk) => {
      length += chunk.length;
      if (length > answerBytesMax) this.onTooLong();
    });
    this.#request = request;
    return request;
  }
}
