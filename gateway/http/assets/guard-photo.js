/** The photo of a visitor: a frame of the camera or a picture of the phone's own camera, made small enough for the gateway. */
import { showCamera } from "./guard-camera.js";

const sideMax = 1_600;
const bytesMax = 2_000_000;
const qualities = [0.85, 0.7, 0.5, 0.3];

export async function preparePhoto(part) {
  const video = part.querySelector("video");
  const take = part.querySelector("[data-do=take]");
  part.hidden = false;
  take.addEventListener("click", () =>
    video.hidden ? live(part) : draw(part, video, video.videoWidth, video.videoHeight),
  );
  part.querySelector("input[type=file]").addEventListener("change", (event) => choose(part, event.target));
  await live(part);
}

/** After the camera was off. A photo that was taken stays. */
export async function resumePhoto(part) {
  if (part.querySelector("canvas").hidden) await live(part);
}

/** JPEG; undefined: none was taken. */
export async function takenPhoto(part) {
  const canvas = part.querySelector("canvas");
  if (canvas.hidden) return undefined;
  for (const quality of qualities) {
    const picture = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", quality));
    if (picture && picture.size <= bytesMax) return picture;
  }
  return undefined;
}

async function live(part) {
  const [video, canvas, take] = ["video", "canvas", "[data-do=take]"].map((one) => part.querySelector(one));
  canvas.hidden = true;
  take.textContent = take.dataset.take;
  const isThere = await showCamera(video);
  video.hidden = !isThere;
  take.hidden = !isThere;
}

async function choose(part, input) {
  const [file] = input.files;
  const unreadable = part.querySelector("[data-part=unreadable]");
  unreadable.hidden = true;
  if (!file) return;
  try {
    const picture = await createImageBitmap(file);
    draw(part, picture, picture.width, picture.height);
    picture.close();
  } catch {
    unreadable.hidden = false;
  }
}

function draw(part, picture, width, height) {
  if (width === 0 || height === 0) return;
  const [video, canvas, take] = ["video", "canvas", "[data-do=take]"].map((one) => part.querySelector(one));
  const scale = Math.min(1, sideMax / Math.max(width, height));
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  canvas.hidden = false;
  video.hidden = true;
  take.textContent = take.dataset.again;
  take.hidden = video.srcObject === null;
}
