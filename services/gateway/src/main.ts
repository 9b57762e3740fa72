import { once } from 'node:events';
import { stopSignal } from '@countersign/kit/stop-signal.ts';
import { readConfig } from './config.ts';
import { createGateway } from './create-gateway.ts';

const signal = stopSignal();
await using _gateway = await createGateway(await readConfig(process.env));
if (!signal.aborted) await once(signal, 'abort');
