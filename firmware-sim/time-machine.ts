/** The time of a site on the control page, where whoever started it can move it: what is shown of it, and its leaps. */
import { z } from "zod";
import { HttpProblem, invalidRequest } from "../web/problem.ts";
import type { ControlApp } from "./control-app.ts";
import type { SiteStateWatch } from "./site-state.ts";

/** A moment that can be leapt to. */
export interface Landmark {
  readonly guest: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

export interface TimeView {
  /** Of the machine's clock. */
  readonly aheadMs: number;
  /** How much further it can go, all in all. */
  readonly leftMs: number;
  /** IANA, of the site. */
  readonly zone: string;
  /** How far ahead it was and is going to be, while it leaps; null: it does not. */
  readonly leap: { readonly fromMs: number; readonly toMs: number } | null;
  /** null: nobody comes, nobody leaves. */
  readonly nextCheckIn: Landmark | null;
  readonly nextCheckout: Landmark | null;
}

export interface TimeMachine {
  view(): TimeView;
  /** Goes that much ahead, all programs of the site together. Resolves once it is on its way; rejects with an HttpProblem when it may not. */
  leap(ms: number): Promise<void>;
  /** As leap(), to an instant. */
  leapTo(at: number): Promise<void>;
}

interface TimeParts {
  readonly time: TimeMachine;
  readonly watch: SiteStateWatch;
}

const hourMs = 3_600_000;
const leapBody = z.union(
  [z.strictObject({ hours: z.number().int().min(1) }), z.strictObject({ to: z.enum(["check-in", "checkout"]) })],
  { error: 'say how many "hours", or "to" what: "check-in" or "checkout"' },
);

export function addTimeActs(app: ControlApp, { time, watch }: TimeParts): void {
  app.post("/api/time/leap", async (c) => {
    const read = leapBody.safeParse(await c.req.json().catch(() => undefined));
    if (!read.success) throw invalidRequest("body", read.error);
    if ("hours" in read.data) await time.leap(read.data.hours * hourMs);
    else await time.leapTo(landmark(read.data.to).at);
    watch.refresh();
    return c.json(watch.state());
  });

  function landmark(to: "check-in" | "checkout"): Landmark {
    const { nextCheckIn, nextCheckout } = time.view();
    const next = to === "check-in" ? nextCheckIn : nextCheckout;
    if (!next) throw new HttpProblem(409, "no-such-moment", `There is no ${to} to come: let somebody book first.`);
    return next;
  }
}
