/** How long one request may take. */
export const requestMs = 20_000;
/** How much of an answer is read; the room's whole state is the largest. */
export const answerBytes = 1024 * 1024;
/** How long Synapse may ask for patience before that is told instead; a person waits for this. */
export const patienceMs = 30_000;
/** It is not asked again sooner than this, whatever it says. */
export const leastWaitMs = 250;
