import { parseConfig } from './config.ts';
import { createRehearsalModel } from './rehearsal-model.ts';

const config = parseConfig(process.env);
const model = createRehearsalModel(config);
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void model.close());
const port = await model.listen();
model.logger.info({ host: config.host, port }, 'listening; this is no language model');
