// A thread beside a child's own: a child that hangs in a loop does not see that its parent is gone. Plain JavaScript, because a thread
// that has types to strip takes some 10 MB more.
import { workerData } from "node:worker_threads";

const lookEveryMs = 500;
const never = new Int32Array(new SharedArrayBuffer(4));

while (process.ppid === workerData.parent) Atomics.wait(never, 0, 0, lookEveryMs);
process.kill(process.pid, "SIGKILL");
