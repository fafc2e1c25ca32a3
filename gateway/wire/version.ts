/** Version of the protocol between gateway and cloud. Fields are added, never changed; a bigger change is a new feed id. */
export const protocolVersion = 1;
