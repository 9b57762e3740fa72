/**
 * The table of docs/ARCHITECTURE.md as data: who may do what. The compose file, and the containers that the engine made of it,
 * are compared with it in both directions: nothing may be missing and nothing may be there that is not named here.
 */
export type ExpectedMount = { readonly kind: 'bind' | 'volume'; readonly source: string; readonly readOnly: boolean };

export type ExpectedService = {
  /** `operator`: the ids that scripts/up chose. */
  readonly user: 'operator' | '0:0' | '65532:65532';
  readonly capabilities: readonly string[];
  /** Empty: no network at all. */
  readonly networks: readonly string[];
  readonly mounts: Readonly<Record<string, ExpectedMount>>;
  /** Writable places in memory. */
  readonly tmpfs: readonly string[];
  readonly restart: 'unless-stopped' | 'no';
  readonly health: boolean;
  /** By the engine, a bounded part of it. */
  readonly outputIsKept: boolean;
  readonly memoryBytes: number;
  readonly pids: number;
  readonly cpus: number | null;
  readonly environment: readonly string[];
  readonly extraHosts: readonly string[];
  /** Of its own network. */
  readonly kernelSettings: Readonly<Record<string, string>>;
  /** Container port → what may be reached on this host's own address 127.0.0.1, and on no other. */
  readonly ports: Readonly<Record<number, 'loopback'>>;
};

const mib = 1024 * 1024;
const bind = (source: string, readOnly = false): ExpectedMount => ({ kind: 'bind', source, readOnly });
const volume = (source: string, readOnly = false): ExpectedMount => ({ kind: 'volume', source, readOnly });

const service: ExpectedService = {
  user: 'operator',
  capabilities: [],
  networks: [],
  mounts: {},
  tmpfs: [],
  restart: 'unless-stopped',
  health: true,
  outputIsKept: true,
  memoryBytes: 512 * mib,
  pids: 256,
  cpus: 1,
  environment: [],
  extraHosts: [],
  kernelSettings: {},
  ports: {},
};
const oneShot: ExpectedService = { ...service, restart: 'no', health: false };

/** Sources: `home/…` under AGENTIC_HOME, `secrets/…`, `configs`, `engine` (the Docker socket), or a named volume. */
export const expectedServices: Readonly<Record<string, ExpectedService>> = {
  init: {
    ...oneShot,
    user: '0:0',
    capabilities: ['CHOWN', 'DAC_OVERRIDE', 'FOWNER'],
    environment: ['INIT_GID', 'INIT_UID'],
    mounts: {
      '/volumes': bind('home'),
      '/secrets': bind('secrets'),
      '/named/slots': volume('slots'),
      '/named/model-slots': volume('model-slots'),
      '/named/spool-shell': volume('spool-shell'),
      '/named/spool-matrix': volume('spool-matrix'),
      '/named/spool-dashboard': volume('spool-dashboard'),
      '/named/launcher-control': volume('launcher-control'),
      '/named/launcher-services': volume('launcher-services'),
      '/named/gateway-control': volume('gateway-control'),
      '/named/matrix-door': volume('matrix-door'),
      '/named/listener-state': volume('listener-state'),
      '/named/synapse': volume('synapse'),
      '/named/page-socket': volume('page-socket'),
      '/named/dashboard-index': volume('dashboard-index'),
    },
  },
  house: {
    ...oneShot,
    outputIsKept: false,
    user: '0:0',
    capabilities: ['CHOWN', 'DAC_OVERRIDE', 'FOWNER'],
    environment: ['HOUSE_GID', 'HOUSE_UID'],
    mounts: {
      '/volumes': bind('home'),
      '/secrets': bind('secrets'),
      '/configs': bind('configs'),
      '/named/spool-shell': volume('spool-shell'),
      '/named/spool-matrix': volume('spool-matrix'),
      '/named/spool-dashboard': volume('spool-dashboard'),
      '/named/listener-state': volume('listener-state'),
      '/named/synapse': volume('synapse'),
    },
  },
  runner: {
    ...service,
    environment: ['MALLOC_ARENA_MAX', 'NODE_OPTIONS'],
    memoryBytes: 1024 * mib,
    tmpfs: ['/tmp'],
    mounts: {
      '/volumes': bind('home'),
      '/configs': bind('configs', true),
      '/secrets': bind('secrets/runner', true),
      '/slots': volume('slots'),
      '/model-slots': volume('model-slots'),
      '/spools/shell': volume('spool-shell'),
      '/spools/matrix': volume('spool-matrix'),
      '/spools/dashboard': volume('spool-dashboard'),
      '/run/launcher': volume('launcher-control', true),
      '/run/gateway': volume('gateway-control', true),
    },
  },
  launcher: {
    ...service,
    user: '0:0',
    environment: [
      'LAUNCHER_IMAGE_TAG',
      'LAUNCHER_MODEL_SLOTS_VOLUME',
      'LAUNCHER_PROJECT',
      'LAUNCHER_SLOTS_VOLUME',
      'NODE_OPTIONS',
    ],
    mounts: {
      '/var/run/docker.sock': bind('engine'),
      '/logs': bind('home/logs/launcher'),
      '/configs': bind('configs', true),
      '/secrets': bind('secrets/launcher', true),
      '/run/launcher': volume('launcher-control'),
      '/run/services': volume('launcher-services'),
    },
  },
  gateway: {
    ...service,
    networks: ['matrix', 'model', 'outward'],
    memoryBytes: 768 * mib,
    environment: ['GATEWAY_MODEL_KIND', 'NODE_OPTIONS'],
    // For a server of the operator's on this very host, outside Docker.
    extraHosts: ['host.docker.internal'],
    mounts: {
      '/logs': bind('home/logs/gateway'),
      '/configs': bind('configs', true),
      '/model-slots': volume('model-slots'),
      '/run/gateway': volume('gateway-control'),
      '/run/matrix': volume('matrix-door'),
    },
  },
  'matrix-listener': {
    ...service,
    environment: ['MALLOC_ARENA_MAX', 'NODE_OPTIONS'],
    memoryBytes: 256 * mib,
    mounts: {
      '/volumes/runs': bind('home/runs', true),
      '/logs': bind('home/logs/matrix-listener'),
      '/configs': bind('configs', true),
      '/secrets': bind('secrets/matrix-listener', true),
      '/spool': volume('spool-matrix'),
      '/run/matrix': volume('matrix-door', true),
      '/state': volume('listener-state'),
    },
  },
  dashboard: {
    ...service,
    memoryBytes: 384 * mib,
    environment: ['DASHBOARD_HOSTS', 'DASHBOARD_PORT'],
    mounts: {
      '/volumes/inbox': bind('home/inbox', true),
      '/volumes/outbox': bind('home/outbox', true),
      '/volumes/runs': bind('home/runs', true),
      '/volumes/logs': bind('home/logs', true),
      '/logs': bind('home/logs/dashboard'),
      '/configs': bind('configs', true),
      '/secrets': bind('secrets/dashboard', true),
      '/spool': volume('spool-dashboard'),
      '/index': volume('dashboard-index'),
      '/run/page': volume('page-socket'),
      '/run/services': volume('launcher-services', true),
    },
  },
  door: {
    ...service,
    networks: ['page'],
    memoryBytes: 128 * mib,
    environment: ['NODE_OPTIONS'],
    ports: { 7860: 'loopback' },
    // What it sends ends at this host.
    kernelSettings: { 'net.ipv4.ip_default_ttl': '1' },
    mounts: { '/run/page': volume('page-socket', true) },
  },
  'enrol-code': {
    ...oneShot,
    outputIsKept: false,
    mounts: { '/secrets': bind('secrets/runner') },
  },
  'rotate-bot-token': {
    ...oneShot,
    networks: ['matrix'],
    mounts: {
      '/secrets': bind('secrets/enrol'),
      '/listener-secrets': bind('secrets/matrix-listener'),
      '/listener-logs': bind('home/logs/matrix-listener', true),
      '/run/matrix': volume('matrix-door', true),
    },
  },
  cli: {
    ...oneShot,
    mounts: {
      '/volumes/inbox': bind('home/inbox', true),
      '/volumes/outbox': bind('home/outbox', true),
      '/volumes/runs': bind('home/runs', true),
      '/volumes/logs': bind('home/logs', true),
      '/configs': bind('configs', true),
      '/secrets': bind('secrets/cli', true),
      '/spool': volume('spool-shell'),
    },
  },
  sandbox: { ...oneShot, user: '65532:65532' },
  ollama: {
    ...service,
    user: '0:0',
    networks: ['model', 'outward'],
    environment: ['OLLAMA_HOST'],
    tmpfs: ['/tmp'],
    memoryBytes: 12 * 1024 * mib,
    // All cores: a number above what the host has would be refused by the engine.
    cpus: null,
    pids: 1024,
    mounts: { '/root/.ollama': volume('ollama') },
  },
  'model-pull': {
    ...oneShot,
    user: '0:0',
    networks: ['model'],
    environment: [
      'BREAKER_FAILURES',
      'BREAKER_WAIT_SEC',
      'HOME',
      'MAX_TASKS',
      'MAX_TASKS_PER_WORKSPACE',
      'MIN_FREE_DISK_MB',
      'OLLAMA_HOST',
      'OLLAMA_MODEL',
    ],
    tmpfs: ['/tmp'],
  },
  'rehearsal-model': { ...service, networks: ['model'] },
  synapse: {
    ...service,
    networks: ['homeserver', 'matrix'],
    memoryBytes: 1024 * mib,
    tmpfs: ['/tmp'],
    ports: { 8008: 'loopback' },
    mounts: {
      '/secrets': bind('secrets/synapse', true),
      '/data': volume('synapse'),
    },
  },
  enrol: {
    ...oneShot,
    networks: ['matrix'],
    environment: ['ENROL_CLIENT_URL'],
    mounts: {
      '/secrets': bind('secrets/enrol'),
      '/listener-secrets': bind('secrets/matrix-listener'),
    },
  },
};

/** Networks that have no way out. */
export const internalNetworks = ['matrix', 'model'];

/** Networks from which nothing gets beyond this host: nobody masquerades for them. */
export const unmasqueradedNetworks = ['page'];
