import { type KeyObject, sign, verify } from 'node:crypto';
import { z } from 'zod';
import { canonicalJson, type Json } from './canonical-json.ts';

/** 64 bytes in the one base64 spelling that they have: the last character's unused bits are zero. */
export const Signature = z.string().regex(/^[A-Za-z0-9+/]{85}[AQgw]==$/);

/** Ed25519 over the canonical JSON of a value. */
export function signatureOf(value: Json, key: KeyObject): string {
  return sign(null, Buffer.from(canonicalJson(value)), key).toString('base64');
}

export function isSignedBy(value: Json, signature: string, key: KeyObject): boolean {
  return verify(null, Buffer.from(canonicalJson(value)), key, Buffer.from(signature, 'base64'));
}
