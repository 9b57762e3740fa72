import { readFileSync } from 'node:fs';
import * as api from '@countersign/contracts/page-api.ts';
import { digestOf, patchOf } from './fixture-diff.ts';
import type { House } from './fixture-house.ts';
import { approvalOf, before, detailOf, reviewOf } from './fixture-tasks.ts';

/** What a GET is answered, parsed by the schema that the page goes by; null where there is nothing. */
export function answer(house: House, path: string, query: URLSearchParams): unknown {
  const tasks = [...house.tasks.values()];
  const [, , kind = '', id = '', , attempt, , ...names] = path.split('/').map((part) => decodeURIComponent(part));
  const file = names.at(-1);
  if (path === '/api/session')
    return api.Session.parse({
      csrf: 'csrf',
      idle_expires_at: before(-30),
      expires_at: before(-700),
      version: '0.1.0',
    });
  if (path === '/api/sessions') return sessions();
  if (path === '/api/now') return now(house, tasks);
  if (path === '/api/approvals') return approvals(house, tasks);
  if (path === '/api/services') return api.Services.parse({ services: house.services, launcher: null });
  if (path === '/api/runs') return runs();
  if (path === '/api/portfolio') return portfolio();
  if (path === '/api/choices') return choices();
  if (path === '/api/charts') return charts(Number(query.get('days') ?? 30));
  if (path === '/api/configuration') return configuration();
  if (path === '/api/search') return search(tasks, query.get('q') ?? '');
  if (path === '/api/tasks') return list(tasks, query);
  if (kind === 'commands') return house.verdicts.get(id) ?? null;
  if (kind === 'logs') return log(house, id, query);
  const task = house.tasks.get(id);
  if (kind !== 'tasks' || task === undefined || task.task === null) return null;
  if (file !== undefined && attempt !== undefined) return piece(file, Number(query.get('from') ?? 0));
  return api.TaskDetail.parse(detailOf({ ...task, task: task.task }, house.versions.get(id) ?? 1));
}

function sessions(): unknown {
  const clients = ['Firefox on Linux', 'Safari on iPhone <b>'];
  return api.Sessions.parse({
    sessions: clients.map((client, index) => ({
      id: `session-${index}`,
      host: index === 0 ? '127.0.0.1:7860' : 'mini.tailnet.ts.net',
      client,
      opened_at: before(90 + index * 60),
      used_at: before(index * 9),
      expires_at: before(-600),
      own: index === 0,
    })),
  });
}

const groups = {
  running: ['planning', 'running', 'verifying', 'rebasing', 'merging'],
  attention: ['pending', 'review'],
  waiting: ['queued', 'approved', 'interrupted', 'waiting-for-runner'],
} as const;

function now(house: House, tasks: readonly api.TaskRow[]): unknown {
  const asks = ({ actions }: api.TaskRow) => actions.includes('answer');
  const of = (statuses: readonly string[]) => tasks.filter((row) => statuses.includes(row.status) && !asks(row));
  const others = Object.values(groups).flat() as string[];
  return api.Now.parse({
    position: String(house.position),
    running: of(groups.running),
    attention: [...tasks.filter(asks), ...of(groups.attention)],
    waiting: of(groups.waiting),
    ended: tasks.filter(({ status }) => !others.includes(status)).slice(0, 20),
    counts: {},
    queue: house.queue,
    troubles: house.services.filter(({ status }) => status !== 'ok'),
  });
}

function approvals(house: House, tasks: readonly api.TaskRow[]): unknown {
  return api.Approvals.parse({
    approvals: tasks
      .filter(({ status, actions }) => status === 'pending' || status === 'review' || actions.includes('answer'))
      .map((row) => {
        const version = house.versions.get(row.task ?? '') ?? 1;
        return {
          row,
          approval: row.status === 'pending' ? approvalOf(row, version) : null,
          review: reviewOf(row, version),
        };
      }),
  });
}

function list(tasks: readonly api.TaskRow[], query: URLSearchParams): unknown {
  const statuses = query.getAll('status');
  const found = tasks.filter((row) => statuses.length === 0 || statuses.includes(row.status));
  const from = Number(query.get('after') ?? 0);
  const to = from + Number(query.get('limit') ?? 50);
  return api.TaskList.parse({
    tasks: found.slice(from, to),
    total: found.length,
    next: to < found.length ? String(to) : null,
  });
}

function search(tasks: readonly api.TaskRow[], words: string): unknown {
  return api.SearchResults.parse({
    results: tasks.slice(0, 12).map((row, index) => ({
      row,
      found_in: index % 3 === 0 ? 'plan' : index % 3 === 1 ? 'task' : 'handoff',
      excerpt: [
        { text: 'before the ', found: false },
        { text: words, found: true },
        { text: ' <img src=x onerror=alert(9)> after it', found: false },
      ],
    })),
  });
}

function rollUp(scale: number): unknown {
  return {
    tasks: 12 * scale,
    attempts: 15 * scale,
    counts: { done: 8 * scale, failed: 2 * scale, cancelled: scale, running: 1, review: scale },
    duration_ms: 5_400_000 * scale,
    tokens: { prompt: 1_402_000 * scale, completion: 120_400 * scale, requests: 310 * scale },
    errors: { timeout: scale, postcondition_failed: scale },
  };
}

function runs(): unknown {
  return api.RunList.parse({
    runs: Array.from({ length: 14 }, (_, index) => ({
      id: `RUN-202603${String(28 - index).padStart(2, '0')}-001`,
      workspace: index % 2 === 0 ? 'shop' : 'mini-control-plane',
      created_at: before(60 + index * 1_440),
      status: index === 0 ? 'running' : index % 5 === 4 ? 'error' : 'completed',
      summary: '8 done, 2 failed, 1 cancelled',
      roll_up: rollUp(1 + (index % 3)),
    })),
    next: 'more',
  });
}

function choices(): unknown {
  return api.Choices.parse({
    workspaces: ['design-system', 'shop'],
    stages: [
      { name: 'dev', gate: 'none' },
      { name: 'staging', gate: 'approval' },
      { name: 'canary', gate: 'approval' },
      { name: 'prod', gate: 'approval' },
    ],
  });
}

function portfolio(): unknown {
  const named = (name: string, scale: number) => ({ name, roll_up: rollUp(scale) });
  return api.Portfolio.parse({
    workspaces: ['shop', 'mini-control-plane', 'infrastructure'].map((name, index) => ({
      ...named(name, 3 - index),
      last_at: before(4 + index * 700),
    })),
    tools: [named('agent', 3), named('opencode', 1)],
    models: [named('qwen3-coder:30b', 3), named('gpt-oss:20b', 2), named('<b>model</b>', 1)],
  });
}

function charts(days: number): unknown {
  const wave = (index: number, size: number) =>
    Math.round(size * (1.2 + Math.sin(index / 2.3) + (index % 7 === 0 ? -0.9 : 0)));
  return api.Charts.parse({
    days: Array.from({ length: days }, (_, index) => ({
      day: new Date(Date.now() - (days - 1 - index) * 86_400_000).toISOString().slice(0, 10),
      ended: {
        done: Math.max(0, wave(index, 9)),
        failed: index % 4 === 0 ? 3 : 1,
        cancelled: index % 3,
        rejected: index % 5 === 0 ? 1 : 0,
      },
      approval_wait_ms: index % 6 === 5 ? null : Math.max(0, wave(index, 840_000)),
      duration_ms: Math.max(0, wave(index + 3, 320_000)),
      tokens: {
        'qwen3-coder:30b': Math.max(0, wave(index, 900_000)),
        'gpt-oss:20b': Math.max(0, wave(index + 2, 300_000)),
        rehearsal: 20_000,
      },
    })),
  });
}

function configuration(): unknown {
  const files = ['agent.env', 'hosts.env', 'stages.yaml', 'tools.yaml', 'sandbox.yaml', 'prompts/plan.yaml'];
  return api.Configuration.parse({
    files: files.map((name, index) => ({
      name: `configs/${name}`,
      sha256: digestOf(name),
      text: readFileSync(new URL(`../../../../configs/${name}`, import.meta.url), 'utf8').slice(0, 4_000),
      masked: index === 0 ? 2 : 0,
    })),
  });
}

function log(house: House, service: string, query: URLSearchParams): unknown {
  const width = 120;
  const at = (index: number) => index * width;
  const total = house.logLines;
  const from = query.has('before')
    ? Math.ceil(Number(query.get('before')) / width) - 1_000
    : query.has('after')
      ? Math.ceil(Number(query.get('after')) / width)
      : total - 1_000;
  const first = Math.max(0, from);
  const last = Math.min(total, from + 1_000);
  return api.LogLines.parse({
    service,
    from: 0,
    to: at(total),
    next: at(last),
    lines: Array.from({ length: Math.max(0, last - first) }, (_, index) => ({
      at: at(first + index),
      text: house.logLine(first + index),
    })),
  });
}

function piece(file: string, from: number): unknown {
  const text = file.endsWith('.patch')
    ? patchOf(file.slice(0, -'.patch'.length))
    : Array.from(
        { length: 300 },
        (_, index) =>
          `\u001b[3${index % 7}mstep ${index}\u001b[0m read \u001b[1msrc/file-${index}.ts\u001b[0m <script>alert(10)</script>\n`,
      ).join('');
  const bytes = new TextEncoder().encode(text);
  const begin = from < 0 ? Math.max(0, bytes.length + from) : Math.min(from, bytes.length);
  return api.FilePiece.parse({
    bytes: bytes.length,
    from: begin,
    to: bytes.length,
    text: new TextDecoder().decode(bytes.subarray(begin)),
  });
}
