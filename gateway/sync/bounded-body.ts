/** An answer of the cloud is read up to a bound, so that one without end fills no memory. */
import { GatewayError } from "../errors.ts";

/** Rejects with `cloud-refused` when there are more than `bytesMax`, with the connection's own error when it breaks. */
export async function boundedBody(response: Response, bytesMax: number): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > bytesMax) throw new GatewayError("cloud-refused", `cloud-sync sent more than ${bytesMax} bytes`);
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}
