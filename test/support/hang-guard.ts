/**
 * Loaded into every test file's process by run.ts: a file whose tests are over but which does not end has left something running.
 * TEST_FILE_SECONDS in the environment gives a long run its time.
 */
const deadlineMs = Number(process.env.TEST_FILE_SECONDS ?? 900) * 1_000;

setTimeout(() => {
  const left = process.getActiveResourcesInfo().join(", ");
  console.error(`${process.argv[1]} did not end within ${deadlineMs / 1000} s; still there: ${left}`);
  process.exit(1);
}, deadlineMs).unref();
