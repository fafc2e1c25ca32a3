/** The flats' guests on the control page, as a booking site has them, and the telephone on which they are told. control-stays.js fills it. */
export function Stays() {
  return (
    <section id="stays" aria-labelledby="stays-title" hidden>
      <h2 id="stays-title">Guests of the flats</h2>
      <div class="stays">
        <div>
          <p class="note">
            They book at a simulated Lodgify; Postern reads it, makes each a code, puts it into the locks, and sends a
            text message once every door has it. Open the guest’s page, and press its code at a lock here.
          </p>
          <ul id="stay-list" />
          <div class="stay-acts">
            <button type="button" id="stay-book" class="quiet">
              Somebody books for tonight
            </button>
            <button type="button" id="stay-read">
              Postern: read Lodgify now
            </button>
          </div>
          <p id="stay-read-words" class="note" role="status" />
        </div>
        <section class="telephone" aria-labelledby="telephone-title">
          <h3 id="telephone-title">The guests’ telephone</h3>
          <ol id="telephone-messages" />
          <p id="telephone-empty" class="note">
            No message yet.
          </p>
        </section>
      </div>
      <template id="stay">
        <li class="stay">
          <strong data-part="guest" /> <span data-part="flat" />
          <small data-part="days" />
          <p data-part="words" class="words" />
          <div class="stay-acts">
            <a data-part="page" href="/" target="_blank" rel="noopener">
              Guest’s page
            </a>
            <button type="button" class="quiet" data-act="agree">
              Owner agrees
            </button>
            <button type="button" class="quiet" data-act="extend">
              One night more
            </button>
            <button type="button" class="quiet" data-act="cancel">
              Cancel
            </button>
          </div>
        </li>
      </template>
    </section>
  );
}
