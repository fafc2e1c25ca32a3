/**
 * LCUS boards and those that copy them: a frame for each change and none in answer; some tell how all their relays stand when asked.
 * Source: makers' sheets of LCUS-1 to LCUS-8 and of NOYITO's 8-channel board.
 */

/** A0, the relay from 1, 01 on or 00 off, and the sum of the three modulo 256. */
export function switchFrame(channel: number, on: boolean): Buffer {
  const state = on ? 1 : 0;
  return Buffer.from([0xa0, channel, state, (0xa0 + channel + state) & 0xff]);
}

export const statusQuestion: Buffer = Buffer.from([0xff]);

/** One byte for each relay; "part": more is to come; "unreadable": it is no such answer. */
export function readStatus(bytes: Buffer, channels: number): readonly boolean[] | "part" | "unreadable" {
  const told = bytes.subarray(0, channels);
  if (!told.every((byte) => byte <= 1)) return "unreadable";
  return told.length < channels ? "part" : [...told].map((byte) => byte === 1);
}
