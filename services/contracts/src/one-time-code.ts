import { z } from 'zod';

/** What the runner asks for beside a signature where holding an open page must not be enough: six digits of RFC 6238. */
export const OneTimeCode = z.string().regex(/^[0-9]{6}$/);

/** As every authenticator application has them by default; some know no others. */
export const codeParameters = {
  issuer: 'Countersign',
  label: 'prod',
  algorithm: 'SHA1',
  digits: 6,
  period: 30,
} as const;

/** In the runner's secrets, and nowhere else. */
export const codeSeedFile = 'prod-code.seed';

/** 160 bits in base32. */
export const CodeSeed = z.string().regex(/^[A-Z2-7]{32}$/);
