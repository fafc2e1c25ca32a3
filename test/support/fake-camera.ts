/** A camera that sees one QR code and nothing else: a raw video file that Chromium plays in a camera's place. */
import { writeFile } from "node:fs/promises";
import { encode } from "uqr";

const width = 640;
const height = 480;
const modulePx = 12;
const ink = 20;

/**
 * Writes `path`, a y4m file, and answers the arguments that make Chromium's only camera play it and every page may look through it. Written
 * again, it is what the next page sees. `grey`: of the background, so that one picture can be told from another.
 */
export async function fakeCamera(path: string, code: string, grey = 200): Promise<string[]> {
  const { data, size } = encode(code, { border: 4 });
  const luma = Buffer.alloc(width * height, grey);
  const left = Math.floor((width - size * modulePx) / 2);
  const top = Math.floor((height - size * modulePx) / 2);
  for (let y = 0; y < size * modulePx; y += 1)
    for (let x = 0; x < size * modulePx; x += 1)
      if (data[Math.floor(y / modulePx)]?.[Math.floor(x / modulePx)]) luma[(top + y) * width + left + x] = ink;
  const frame = [Buffer.from("FRAME\n"), luma, Buffer.alloc(width * height * 0.5, 128)];
  const header = Buffer.from(`YUV4MPEG2 W${width} H${height} F10:1 Ip A1:1 C420jpeg\n`);
  await writeFile(path, Buffer.concat([header, ...frame, ...frame]));
  return [
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    `--use-file-for-fake-video-capture=${path}`,
  ];
}
