/** What a service answered, as text, and no more of it than one should ever say. */

const bytesMax = 1_048_576;

/** Rejects with a RangeError when it is longer. */
export async function answerText(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body ?? []) {
    bytes += part.length;
    if (bytes > bytesMax) throw new RangeError(`an answer has more than ${bytesMax} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}
