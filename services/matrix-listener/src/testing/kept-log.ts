import type { Logger } from '@countersign/kit/logger.ts';

type Line = { readonly level: string; readonly text: string; readonly fields: Record<string, unknown> };

/** A log that keeps its lines for the test to look at. */
export function keptLog(): { readonly logger: Logger; readonly lines: Line[] } {
  const lines: Line[] = [];
  const at = (level: string) => (fields: Record<string, unknown> | string, text?: string) =>
    void lines.push(
      typeof fields === 'string' ? { level, text: fields, fields: {} } : { level, text: text ?? '', fields },
    );
  const logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  return { logger: logger as unknown as Logger, lines };
}
