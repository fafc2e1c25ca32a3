/** Where a guard takes the photo of a visitor. The script shows it: without one a phone's picture would be too large to send. */
import type { GuardVisit } from "./guard-frame.tsx";
import { guardWords } from "./guard-words.ts";

export function GuardPhoto({ visit }: { visit: GuardVisit }) {
  const words = guardWords[visit.language].photo;
  const { photo } = visit.guards;
  if (photo === "off") return null;
  return (
    <>
      {photo === "required" && (
        <noscript>
          <p role="alert">{words.needsScript}</p>
        </noscript>
      )}
      <fieldset class="photo" data-photo={photo} hidden>
        <legend>{words.label}</legend>
        <video data-camera playsinline muted hidden></video>
        <canvas role="img" aria-label={words.taken} hidden></canvas>
        <button type="button" class="outline" data-do="take" data-take={words.take} data-again={words.again} hidden>
          {words.take}
        </button>
        <label>
          {words.choose}
          <input type="file" accept="image/*" capture="environment" />
        </label>
        <p data-part="unreadable" role="alert" hidden>
          {words.unreadable}
        </p>
        <p data-when="photo-needed" role="alert" hidden>
          {words.required}
        </p>
      </fieldset>
    </>
  );
}
