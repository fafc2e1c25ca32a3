/** The site's time on the control page, and how far it has leapt. control-time.js fills it. */
export function Time() {
  return (
    <section id="time" aria-labelledby="time-title" hidden>
      <h2 id="time-title">Time machine</h2>
      <p class="demo-time">
        <strong id="time-now" /> <span id="time-ahead" class="tag" />
      </p>
      <ul id="time-next" class="note" />
      <div class="stay-acts">
        <button type="button" class="quiet" data-leap='{"hours":1}'>
          An hour on
        </button>
        <button type="button" class="quiet" data-leap='{"hours":24}'>
          A day on
        </button>
        <button type="button" data-leap='{"to":"check-in"}'>
          To the next check-in
        </button>
        <button type="button" data-leap='{"to":"checkout"}'>
          To the next checkout
        </button>
      </div>
      <progress id="time-progress" aria-label="The way through time" max="1" hidden />
      <p id="time-words" class="note" role="status" />
      <p class="note">
        Gateway, cloud and locks leap together, only forwards, and stay there. Whoever is signed in at Postern’s pages
        may have to sign in again; an authenticator app goes by the real time, so its codes are refused from then on.
      </p>
    </section>
  );
}
