/** How the control page draws a lock, whoever made it. */
import type { FaultRates } from "./faults.ts";

const keys = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "clear", "0", "enter"] as const;
const keyFaces: Readonly<Record<string, readonly [face: string, name: string]>> = {
  clear: ["C", "Clear"],
  enter: ["✓", "Enter"],
};

/** Of a message where it says nothing else; both directions. */
const rates = [
  ["lose", "Lost", "%"],
  ["delayMs", "Held back, at most", "ms"],
  ["repeat", "Arrives twice", "%"],
  ["garble", "One character wrong", "%"],
  ["disconnect", "Connection breaks after it", "%"],
  ["noReply", "Command obeyed, not answered", "%"],
  ["lateReplyMs", "Command answered later by", "ms"],
] as const satisfies readonly (readonly [keyof FaultRates, name: string, unit: "%" | "ms"])[];
const ranges = { "%": { max: "100", step: "1" }, ms: { max: "10000", step: "100" } };

/** One simulated lock; control.js clones it and hides what that lock lacks. */
export function LockTemplate() {
  return (
    <template id="lock">
      <article class="box">
        <header>
          <h3 data-part="name">Box</h3>
          <span class="tag" data-part="link" />
        </header>
        <p class="note make" data-part="make" />
        <div class="lockbox" data-part="lockbox">
          <button type="button" class="doorway" data-part="door">
            <span class="inside" aria-hidden="true" />
            <span class="leaf" aria-hidden="true">
              <span class="handle" />
            </span>
            <span class="door-words" data-part="door-words" />
            <span class="door-words locked" data-part="stays" aria-hidden="true" />
          </button>
          <span class="bolt" aria-hidden="true" />
          <div class="side">
            <fieldset class="keypad" data-part="keypad">
              <legend class="unseen" data-part="keypad-name" />
              <span class="led" aria-hidden="true" />
              <output class="display" data-part="display" />
              {keys.map((key) => {
                const [face, name] = keyFaces[key] ?? [key, key];
                return (
                  <button type="button" data-key={key} aria-label={name}>
                    {face}
                  </button>
                );
              })}
            </fieldset>
            <button type="button" class="knob" data-part="hand">
              <span class="turner" aria-hidden="true" />
              <span data-part="hand-words" />
            </button>
          </div>
        </div>
        <p class="words" data-part="words" />
        <p class="unseen" role="status" data-part="verdict" />
        <div class="afar" data-part="afar">
          <button type="button" class="quiet" data-part="unlock">
            Unlock from afar
          </button>
          <small data-part="unlock-words" />
        </div>
        <p class="note no-pins" data-part="no-pins" />
        <details data-part="codes">
          <summary data-part="codes-words" />
          <ul data-part="codes-list" />
        </details>
        <details>
          <summary>Make trouble</summary>
          <div class="trouble">
            <button type="button" role="switch" aria-checked="false" class="switch quiet" data-act="power">
              Power
            </button>
            <button type="button" role="switch" aria-checked="false" class="switch quiet" data-act="online">
              On its network
            </button>
            <button type="button" role="switch" aria-checked="false" class="switch quiet" data-act="jam">
              Bolt jammed
            </button>
            <button type="button" role="switch" aria-checked="false" class="switch quiet" data-act="tamper">
              Pried open
            </button>
            <label data-part="battery-label">
              <span>
                Battery <span data-part="battery" />
              </span>
              <input type="range" min="0" max="100" step="5" data-act="battery" />
            </label>
            <label>
              Its line to the gateway
              <select data-act="line">
                <option value="good">Good: everything arrives</option>
                <option value="weak">Weak: slow, some is lost or doubled</option>
                <option value="bad">Bad: much is lost, garbled or cut off</option>
                <option value="own" disabled>
                  As set below
                </option>
              </select>
            </label>
            <details class="rates">
              <summary>What goes wrong on it</summary>
              {rates.map(([rate, name, unit]) => (
                <label>
                  <span>
                    {name} <span data-part={`rate-${rate}`} />
                  </span>
                  <input type="range" min="0" {...ranges[unit]} data-rate={rate} data-unit={unit} />
                </label>
              ))}
            </details>
          </div>
        </details>
      </article>
    </template>
  );
}
