/** Where the bot's token is, in the listener's folder of secrets. */
export const botFileName = 'matrix-bot.env';
/** The same, for the operator. */
export const botFile = `secrets/matrix-listener/${botFileName}`;
