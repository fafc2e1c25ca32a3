/** What can be done to the stays on the control page: each POST answers with the state after it. */
import { z } from "zod";
import { invalidRequest } from "../web/problem.ts";
import type { BookedStays } from "./booked-stays.ts";
import type { ControlApp } from "./control-app.ts";
import type { SiteStateWatch } from "./site-state.ts";

interface StayParts {
  readonly stays: BookedStays;
  readonly watch: SiteStateWatch;
  readonly stopping: AbortSignal;
}

const numberShape = z.coerce.number().int().positive();

export function addStayActs(app: ControlApp, { stays, watch, stopping }: StayParts): void {
  const after = async (done: Promise<void>) => {
    await done;
    await stays.look(stopping);
    watch.refresh();
    return watch.state();
  };

  app.post("/api/stays/book", async (c) => c.json(await after(stays.book())));
  app.post("/api/stays/read", async (c) => c.json(await after(stays.read(stopping))));
  app.post("/api/stays/:id/extend", async (c) => c.json(await after(stays.extend(numberOf(c.req.param("id"))))));
  app.post("/api/stays/:id/cancel", async (c) => c.json(await after(stays.cancel(numberOf(c.req.param("id"))))));
  app.post("/api/stays/:id/agree", async (c) =>
    c.json(await after(stays.agree(numberOf(c.req.param("id")), stopping))),
  );
}

function numberOf(text: string): number {
  const read = numberShape.safeParse(text);
  if (!read.success) throw invalidRequest("path.id", read.error);
  return read.data;
}
