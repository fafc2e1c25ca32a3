/** The camera: shows what it sees, finds QR codes in it, and gives a picture of this moment. One stream for all of the guard's pages. */

const wanted = { video: { facingMode: "environment", width: { ideal: 1280 }, height: { ideal: 720 } }, audio: false };
const lookEveryMs = 120;
/** A code that is still before the camera is the one that was just checked. */
const sameAgainMs = 3_000;

let stream;
let detector;
let scanning = 0;
let last = { code: "", at: 0 };

/** Scans into `section` until a code is `found`, or tells why it cannot: "insecure", "refused" or "absent". */
export async function scan(section, { found, refused }) {
  const turn = ++scanning;
  const video = section.querySelector("video");
  const why = await openCamera();
  if (turn !== scanning) return;
  if (why) return refused(why);
  section.hidden = false;
  await showIn(video);
  offerTorch(section.querySelector("[data-do=torch]"));
  detector ??= await makeDetector();
  while (turn === scanning && video.isConnected) {
    const code = await look(video);
    if (turn !== scanning || !video.isConnected) return;
    if (code !== undefined && !isSame(code)) return found(code);
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
}

/** Shows the camera; false: there is none to show. */
export async function showCamera(video) {
  scanning += 1;
  if (await openCamera()) return false;
  await showIn(video);
  return true;
}

export function stopCamera() {
  scanning += 1;
  for (const track of stream?.getTracks() ?? []) track.stop();
  stream = undefined;
}

export async function toggleTorch(button) {
  const isOn = button.getAttribute("aria-pressed") !== "true";
  await stream?.getVideoTracks()[0]?.applyConstraints({ advanced: [{ torch: isOn }] });
  button.setAttribute("aria-pressed", String(isOn));
}

function offerTorch(button) {
  const [track] = stream?.getVideoTracks() ?? [];
  if (button && track?.getCapabilities?.().torch) button.hidden = false;
}

/** undefined: it is open; else why not. */
async function openCamera() {
  if (!navigator.mediaDevices?.getUserMedia) return window.isSecureContext ? "absent" : "insecure";
  if (stream?.active) return undefined;
  try {
    stream = await navigator.mediaDevices.getUserMedia(wanted);
    return undefined;
  } catch (error) {
    return error.name === "NotAllowedError" ? "refused" : "absent";
  }
}

async function showIn(video) {
  video.srcObject = stream;
  video.hidden = false;
  // A page that was left meanwhile plays nothing, which is as well.
  await video.play().catch(() => undefined);
}

async function look(video) {
  if (video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return undefined;
  try {
    const [first] = await detector.detect(video);
    return first?.rawValue.trim() || undefined;
  } catch {
    return undefined;
  }
}

function isSame(code) {
  const now = Date.now();
  const isAgain = code === last.code && now - last.at < sameAgainMs;
  last = { code, at: now };
  return isAgain;
}

async function makeDetector() {
  const formats = ["qr_code"];
  if ("BarcodeDetector" in window && (await BarcodeDetector.getSupportedFormats()).includes("qr_code"))
    return new BarcodeDetector({ formats });
  await load("./ponyfill.js");
  BarcodeDetectionAPI.setZXingModuleOverrides({ locateFile: () => "./zxing_reader.wasm" });
  return new BarcodeDetectionAPI.BarcodeDetector({ formats });
}

function load(address) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address;
    script.onload = resolve;
    script.onerror = () => reject(new Error("the decoder did not load"));
    document.head.append(script);
  });
}

// A camera that nobody looks through is off; the page that comes back turns it on again.
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden") stopCamera();
});
