/** The field for one's own password: what an open browser could do for somebody who only passes by is asked for by it. */
import type { FieldFaults } from "../own-api.ts";
import type { Words } from "../words/words.ts";
import { Field } from "./form.tsx";

export function OwnPassword({ words, faults }: { words: Words; faults?: FieldFaults | undefined }) {
  return (
    <Field
      name="password"
      type="password"
      label={words.account.passwordNow}
      words={words}
      faults={faults}
      required
      autocomplete="current-password"
    />
  );
}
