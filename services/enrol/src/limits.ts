/** How long one request may take. */
export const requestMs = 20_000;
/** How much of an answer is read; the room's whole state is the largest. */
export const answerBytes = 1024 * 1024;
/** How long Synapse may ask for patience before that is told instead; a person waits for this. */
export const patienceMs = 30_000;
/** What the gateway's door says went wrong, as far as it is told. */
export const doorWordsCharacters = 500;
/** It is not asked again sooner than this, whatever it says. */
export const leastWaitMs = 250;
/** How long the listener has to take up another token; it looks for one every two seconds. */
export const listenerMs = 60_000;
/** One that has said nothing of itself for so long, not even that it starts, does not run. */
export const listenerSilenceMs = 5_000;
/** Between two looks at what it says. */
export const listenerLookMs = 200;
