/** What load-child.ts is asked for. */
import { type Child, startChild } from "./child.ts";

export type LoadWish =
  /** A broker is told what happens at the boxes' doors. `each`: messages of every box; `window`: unacknowledged at a time. */
  | {
      readonly what: "events";
      readonly port: number;
      readonly boxes: number;
      readonly each: number;
      readonly window: number;
      /** Another one each time, or the messages look like repeats. */
      readonly boot: number;
      /** Whether someone subscribes to all of it. */
      readonly subscriber: boolean;
    }
  /** `folder`: where the authority is that signs the boxes' certificates. */
  | {
      readonly what: "storm";
      readonly port: number;
      readonly boxes: number;
      readonly atOnce: number;
      readonly folder: string;
    }
  /** Box 0 answers commands until the process is ended, all others are connected and idle. */
  | { readonly what: "answer"; readonly port: number; readonly boxes: number };

export function startLoad(wish: LoadWish): Child {
  return startChild("load-child.ts", JSON.stringify(wish));
}
