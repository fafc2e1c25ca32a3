/** The part of nuki-web-api 2.2.1 that is used: its package declares no types. From its lib/Nuki.js, Smartlock.js and SmartlockLog.js. */
declare module "nuki-web-api" {
  /** What `request-promise` makes: a running request that is a promise, too. */
  interface RunningRequest extends PromiseLike<unknown> {
    on(event: "data", listener: (chunk: Uint8Array) => void): this;
    /** One of its own, or one that is kept open and connected. */
    on(event: "socket", listener: (socket: import("node:net").Socket) => void): this;
    abort(): void;
  }

  class Nuki {
    constructor(token: string, options?: { readonly url?: string });
    getSmartlock(smartlockId: number): PromiseLike<unknown>;
    setAction(smartlockId: number, action: number): PromiseLike<unknown>;
    getSmartlockLogs(smartlockId: number, parameters: { readonly limit: number }): PromiseLike<unknown>;
    /** Every call goes through here. `options` are those of the `request` package. */
    protected _req(
      paths: string | readonly string[],
      parameters?: object,
      method?: string,
      body?: object,
      options?: object,
    ): RunningRequest;
  }

  export = Nuki;
}
