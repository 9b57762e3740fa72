import { randomInt } from 'node:crypto';

/** Lower case and figures that no font confuses: the operator types it on a phone. */
const letters = 'abcdefghjkmnpqrstuvwxyz23456789';
const groups = 6;
const groupLength = 4;

/** 118 bits, as `abcd-efgh-…`. */
export function makePassword(): string {
  const group = () => Array.from({ length: groupLength }, () => letters.charAt(randomInt(letters.length))).join('');
  return Array.from({ length: groups }, group).join('-');
}
