import { LauncherHealth } from '@countersign/contracts/launcher-api.ts';
import { SocketClient } from '@countersign/kit/socket-client.ts';
import { readSettings } from './config.ts';

// Any answer is a healthy launcher, `engine-down` too: its loop turns and it recovers by itself. To restart it would mend
// nothing, and the engine that would restart it is the one that is down. The runner reads the status and says so.
const settings = readSettings(process.env);
await using launcher = new SocketClient('launcher', settings.LAUNCHER_SOCKET_PATH);
await launcher.request('GET', '/health', LauncherHealth).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
