/** A moment in UTC, in milliseconds since 1970-01-01T00:00Z. Machines exchange this; people are shown ISO 8601. */
export type Instant = number;

/** A length of time in milliseconds. */
export type Millis = number;

/** A reading of the monotonic clock in milliseconds. It never goes back; its zero means nothing, and it restarts with the process. */
export type Monotonic = number;
