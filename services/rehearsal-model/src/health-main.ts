import { parseConfig } from './config.ts';
import { healthTimeoutMs } from './limits.ts';

const { port } = parseConfig(process.env);
try {
  const response = await fetch(`http://127.0.0.1:${port}/api/version`, {
    signal: AbortSignal.timeout(healthTimeoutMs),
  });
  process.exitCode = response.ok ? 0 : 1;
} catch {
  process.exitCode = 1;
}
