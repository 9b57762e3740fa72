import { createHash } from 'node:crypto';
import { disclaimer } from './identity.ts';

type Capability = 'completion' | 'tools';
export type Model = { name: string; capabilities: readonly Capability[]; contextLength: number };

/** When the models "were made": fixed, so that listings are the same on every machine. */
const modifiedAt = '2026-01-01T00:00:00Z';
const createdSeconds = Date.parse(modifiedAt) / 1000;
const neverExpires = '2318-01-01T00:00:00Z';

const models: readonly Model[] = [
  { name: 'rehearsal:latest', capabilities: ['completion', 'tools'], contextLength: 32_768 },
  { name: 'rehearsal-no-tools:latest', capabilities: ['completion'], contextLength: 32_768 },
  { name: 'rehearsal-small-context:latest', capabilities: ['completion', 'tools'], contextLength: 2_048 },
];

/** Finds a model by its name, with or without the tag `latest`. */
export function findModel(name: string): Model | undefined {
  return models.find((model) => model.name === name || model.name === `${name}:latest`);
}

function details() {
  return {
    parent_model: '',
    format: 'rehearsal',
    family: 'rehearsal',
    families: ['rehearsal'],
    parameter_size: '0',
    quantization_level: 'none',
    description: disclaimer,
  };
}

function entry(model: Model) {
  const digest = createHash('sha256').update(model.name).digest('hex');
  return { name: model.name, model: model.name, size: 0, digest, details: details() };
}

/** The body of `GET /api/tags`. */
export function listModels() {
  return { models: models.map((model) => ({ ...entry(model), modified_at: modifiedAt })) };
}

/** The body of `GET /api/ps`: nothing needs loading, so every model is always running. */
export function listRunningModels() {
  const running = { expires_at: neverExpires, size_vram: 0 };
  return { models: models.map((model) => ({ ...entry(model), ...running, context_length: model.contextLength })) };
}

/** The body of `POST /api/show`. */
export function showModel(model: Model) {
  return {
    license: '',
    modelfile: `# ${disclaimer}\nFROM ${model.name}\n`,
    parameters: '',
    template: '{{ .Prompt }}',
    details: details(),
    model_info: {
      'general.architecture': 'rehearsal',
      'general.parameter_count': 0,
      'rehearsal.context_length': model.contextLength,
    },
    capabilities: model.capabilities,
    modified_at: modifiedAt,
  };
}

/** The body of `GET /v1/models`. */
export function listOpenAiModels() {
  const data = models.map(({ name }) => ({ id: name, object: 'model', created: createdSeconds, owned_by: 'library' }));
  return { object: 'list', data };
}
