/** QR codes as pictures to hand on: error correction level L and a quiet zone of four modules, as scanners expect. */
import { crc32, deflateSync } from "node:zlib";
import { encode, renderSVG } from "uqr";

const look = { ecc: "L", border: 4 } as const;
/** Less is blurred where a messenger scales pictures. */
const pixelsMin = 400;

export const qrSvg = (text: string): string => renderSVG(text, look);

/** One bit a pixel, whole pixels a module. Format: https://www.w3.org/TR/png-3/ */
export function qrPng(text: string): Buffer<ArrayBuffer> {
  const { data, size } = encode(text, look);
  const scale = Math.ceil(pixelsMin / size);
  const side = size * scale;
  const stride = 1 + Math.ceil(side / 8);
  const rows = Buffer.alloc(stride * side);
  for (let y = 0; y < side; y += 1)
    for (let x = 0; x < side; x += 1) {
      const isDark = data[Math.floor(y / scale)]?.[Math.floor(x / scale)] ?? false;
      const at = y * stride + 1 + (x >> 3);
      // 1 is white.
      if (!isDark) rows[at] = rows[at]! | (0x80 >> (x & 7));
    }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header.set([1, 0, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(rows, { level: 9 })),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

function chunk(type: string, content: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, "latin1"), content]);
  const ends = Buffer.alloc(8);
  ends.writeUInt32BE(content.length, 0);
  ends.writeUInt32BE(crc32(named), 4);
  return Buffer.concat([ends.subarray(0, 4), named, ends.subarray(4)]);
}
