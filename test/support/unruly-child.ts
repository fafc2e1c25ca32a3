/** A child that does whatever it is told, also what no child should. Runs in a process of its own (supervised-child.test.ts). */
import { writeSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";
import { serveParent } from "../../gateway/drivers/common/child-side.ts";

const line = 3;
const leaked: Buffer[] = [];
const heldBack = Promise.withResolvers<void>();

const begin = z.strictObject({ token: z.string(), first: z.enum(["work", "exit", "never-ready"]) });
const tricks = [
  ...(["echo", "throw", "hang", "leak", "leak-silently", "flood", "chatter", "rubbish", "answer-rubbish"] as const),
  ...(["hold-back", "let-go", "twice", "too-long", "leave", "tell-token", "tell-pid"] as const),
] as const;
const ask = z.strictObject({ do: z.enum(tricks), text: z.string().optional() });

serveParent({
  begin,
  ask,
  start({ token, first }, parent) {
    if (first === "exit") process.exit(3);
    if (first === "never-ready") for (;;);
    return {
      async answer({ do: what, text = "" }) {
        switch (what) {
          case "throw":
            throw new Error(`went wrong with ${token}`);
          case "hang":
            for (;;);
          case "leak":
            for (;;) {
              leaked.push(Buffer.alloc(8 * 1024 * 1024, 1));
              await pause(50);
            }
          case "leak-silently":
            for (;;) {
              leaked.push(Buffer.alloc(8 * 1024 * 1024, 1));
              Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
            }
          case "flood":
            for (let i = 0; i < 100_000; i += 1) parent.tell({ said: "more" });
            break;
          case "chatter":
            for (let i = 0; i < 5_000; i += 1) console.log(`chatter ${i} ${token}`);
            break;
          case "rubbish":
            writeSync(line, "{ this is no word\n");
            break;
          case "answer-rubbish":
            return { heard: 7 };
          case "hold-back":
            await heldBack.promise;
            break;
          case "let-go":
            heldBack.resolve();
            break;
          case "twice":
            // Of a question that nobody asked, and of this one before it is answered properly.
            for (const id of [999_999, Number(text)])
              writeSync(line, `${JSON.stringify({ word: "answer", id, answer: { heard: "twice" } })}\n`);
            break;
          case "too-long":
            writeSync(line, "x".repeat(70_000));
            break;
          case "leave":
            parent.end("it is done", Number(text));
            break;
          case "tell-token":
            parent.log("info", "token-is", { text: token });
            break;
          case "tell-pid":
            return { heard: String(process.pid) };
        }
        return { heard: text };
      },
      async end() {
        parent.tell({ said: "last wish" });
      },
    };
  },
});
