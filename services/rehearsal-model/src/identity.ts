/** What every answer says first, so that nobody takes a rehearsal for a language model's work. */
export const disclaimer = 'I am the rehearsal model, not a language model: I follow written instructions word by word.';

/** The version that `/api/version` reports. It sorts below every real Ollama. */
export const version = '0.0.0-rehearsal';
