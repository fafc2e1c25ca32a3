/** The verdict by ear and by hand: two rising notes for yes, one low and rough for no. */

const verdicts = {
  good: {
    notes: [
      [880, 0],
      [1320, 0.14],
    ],
    wave: "sine",
    noteS: 0.16,
    shakes: [60],
  },
  bad: {
    notes: [
      [170, 0],
      [140, 0.3],
    ],
    wave: "sawtooth",
    noteS: 0.28,
    shakes: [200, 100, 200],
  },
};
const loudness = 0.35;
const silentMs = 400;
const lateMs = 5_000;

let audio;

/** Browsers let a page sound once it was touched, and an installed app from the start. */
const maySound = () =>
  navigator.userActivation?.hasBeenActive !== false || matchMedia("(display-mode: standalone)").matches;

/** Resolves once there is sound, which may be when the page is touched; false: not on this page, for now. */
async function wake() {
  if (!("AudioContext" in window) || !maySound()) return false;
  audio ??= new AudioContext();
  if (audio.state !== "running") await audio.resume();
  return true;
}
document.addEventListener("pointerup", () => wake().catch(() => undefined));

/** `muted` is told while the browser keeps the page silent. A verdict that could not be heard in time is not told later. */
export async function tell(verdict, muted) {
  const { shakes } = verdicts[verdict];
  if (maySound()) navigator.vibrate?.(shakes);
  const askedAt = Date.now();
  const silent = setTimeout(() => muted(true), silentMs);
  if (!(await wake())) {
    document.addEventListener("pointerup", () => muted(false), { once: true });
    return;
  }
  clearTimeout(silent);
  muted(false);
  if (Date.now() - askedAt < lateMs) play(verdicts[verdict]);
}

function play({ notes, wave, noteS }) {
  const now = audio.currentTime;
  for (const [hertz, afterS] of notes) {
    const from = now + afterS;
    const note = new OscillatorNode(audio, { type: wave, frequency: hertz });
    const volume = new GainNode(audio, { gain: 0 });
    volume.gain.setValueAtTime(0, from);
    volume.gain.linearRampToValueAtTime(loudness, from + 0.02);
    volume.gain.linearRampToValueAtTime(0, from + noteS);
    note.connect(volume).connect(audio.destination);
    note.start(from);
    note.stop(from + noteS);
  }
}
