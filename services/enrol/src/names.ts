/** Who and what is made on the stack's own Synapse; images/synapse/homeserver.yaml names the same server and alias. */
const server = 'countersign.local';

export const operatorName = 'operator';
export const botName = 'agentbot';
export const operatorUser = `@${operatorName}:${server}`;
export const botUser = `@${botName}:${server}`;

/** By it a second run finds the room that the first one made. */
export const aliasName = 'countersign';
export const roomAlias = `#${aliasName}:${server}`;

/** Logging in with the same device again replaces its token, so that a run that was cut off leaves no session behind. */
export const botDevice = 'COUNTERSIGN_LISTENER';
export const enrolDevice = 'COUNTERSIGN_ENROL';
