// Starts a service on the demo's time, as bin/postern.mjs starts the command line on the machine's.
import { fileURLToPath } from "node:url";
import { register } from "tsx/esm/api";

register({ tsconfig: fileURLToPath(new URL("../tsconfig.json", import.meta.url)) });
await import("./demo-service.ts");
