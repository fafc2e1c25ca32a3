/** A gateway's one-time code with the command that takes it, to be copied or photographed. */
import type { Language, Words } from "../words/words.ts";
import { Moment } from "./moments.tsx";
import { Secret } from "./show.tsx";

export interface GivenCode {
  readonly gateway: string;
  readonly code: string;
  readonly expiresAt: string;
}

interface EnrolmentCodeProps {
  readonly code: GivenCode;
  readonly zone: string;
  readonly lang: Language;
  readonly words: Words;
}

export function EnrolmentCode({ code: { code, expiresAt }, zone, lang, words }: EnrolmentCodeProps) {
  return (
    <>
      <p>{words.sites.enrolLead}</p>
      <pre>
        <code>{`echo ${code} | postern enrol --config /etc/postern/gateway.yaml`}</code>
      </pre>
      <Secret text={code} words={words} qr />
      <p>
        {words.sites.enrolUntil} <Moment iso={expiresAt} zone={zone} lang={lang} />
      </p>
    </>
  );
}
