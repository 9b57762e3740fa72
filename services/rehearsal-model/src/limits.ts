/** The largest request body in bytes: a prompt of the largest context with all of its tools. */
export const maximumBodyBytes = 16 * 1024 * 1024;
/** How long a client may take to send its headers. */
export const headersTimeoutMs = 10_000;
/** How long a client may take to send its whole request. */
export const requestTimeoutMs = 60_000;
/** Open connections; further ones are dropped by the server. */
export const maximumConnections = 256;
/** The longest `rehearsal: pause`. */
export const maximumPauseMs = 600_000;
/** The longest `rehearsal: slow`, for each chunk. */
export const maximumChunkDelayMs = 60_000;
/** The longest `rehearsal: long-output`. */
export const maximumFillerKilobytes = 16_384;
/** How many tasks one conversation may hold; later lines are ignored. */
export const maximumTasks = 200;
/** How many lines an answer names as not understood, and how long each may be. */
export const maximumNamedLines = 20;
export const maximumQuoteCharacters = 160;
/** How long the health check waits for an answer. */
export const healthTimeoutMs = 2_000;
/** Longer lines are skipped: no instruction is that long, and the patterns take a line's length squared at worst. */
export const maximumLineCharacters = 8_192;
/** How many lines of a prompt are read. */
export const maximumLines = 100_000;
