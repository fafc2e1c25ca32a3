/** fast-check with the same dice in every run, so that no run finds by chance what the one before did not. FAST_CHECK_SEED throws others. */
import fc from "fast-check";

fc.configureGlobal({ seed: Number(process.env.FAST_CHECK_SEED ?? 1) });

export default fc;
