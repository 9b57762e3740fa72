import { expect, test } from 'vitest';
import { ConfigError, parseConfig } from './config.ts';

test('listens where Ollama does when nothing is set', () => {
  expect(parseConfig({})).toEqual({ port: 11_434, host: '0.0.0.0', logLevel: 'info' });
});

test('takes port, address and log level from the environment', () => {
  expect(parseConfig({ PORT: '0', HOST: '127.0.0.1', LOG_LEVEL: 'debug' })).toEqual({
    port: 0,
    host: '127.0.0.1',
    logLevel: 'debug',
  });
});

test('names all wrong settings together', () => {
  const attempt = () => parseConfig({ PORT: '99999', HOST: 'no address', LOG_LEVEL: 'loud' });
  expect(attempt).toThrow(ConfigError);
  expect(attempt).toThrow(/PORT[\s\S]*HOST[\s\S]*LOG_LEVEL/);
});

test.each(['', ' 80', '80x', '-1', '1e3'])('refuses the port %j', (port) => {
  expect(() => parseConfig({ PORT: port })).toThrow(ConfigError);
});
