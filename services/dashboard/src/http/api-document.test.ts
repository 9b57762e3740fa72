import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { apiDocument, documentPath } from './api-document.ts';

test('docs/API.md says what the schemas say; node services/dashboard/src/http/api-document.ts writes it anew', () => {
  expect(readFileSync(documentPath, 'utf8')).toBe(apiDocument());
});
