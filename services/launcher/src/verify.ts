import { isDeepStrictEqual } from 'node:util';
import { compareFields, type Fields, isUnset, type Judged, show } from './compare-fields.ts';
import type { Inspection } from './container.ts';
import type { ContainerOptions } from './policy.ts';

/** What the engine hides from, or makes read-only in, every container since API 1.45; it may hide more. */
const maskedPaths = [
  '/proc/asound',
  '/proc/acpi',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
];
const readonlyPaths = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

const judgedHostConfig: Judged = {
  ConsoleSize: (value) => isUnset(value) || isDeepStrictEqual(value, [0, 0]),
  MaskedPaths: (value) => holdsAll(value, maskedPaths),
  ReadonlyPaths: (value) => holdsAll(value, readonlyPaths),
};

/** What a container takes over from its image, because the launcher sets none of it. */
const fromImage = ['Env', 'Cmd', 'Entrypoint', 'ExposedPorts'];

/** It says how Windows reads the command; engines differ in whether a container repeats its image's. */
const judgedConfig: Judged = { ArgsEscaped: () => true };

/**
 * Compares a created container, before it is started, with what was compiled. Every key that the engine reports in its
 * HostConfig, Config, NetworkSettings and Mounts is looked at, known or not: it must have the compiled value, or, when nothing
 * was compiled for it, be unset. Unset is what the engine's own decoder cannot tell from a missing key: null, "", 0,
 * false, or empty. So a key of a newer engine passes only while it is unset.
 * @param imageConfig the `Config` of the image
 * @returns one sentence for each difference; empty when there is none
 */
export function findMismatches(compiled: ContainerOptions, imageConfig: Fields, actual: Inspection): string[] {
  const { HostConfig: hostConfig, ...config } = compiled;
  const expectedConfig = {
    ...Object.fromEntries(fromImage.map((key) => [key, imageConfig[key]])),
    ...config,
    Labels: { ...asFields(imageConfig['Labels']), ...config.Labels },
  };
  const { Networks: networks, ...network } = actual.NetworkSettings;
  return [
    ...compareFields('HostConfig', hostConfig, actual.HostConfig, {
      ...judgedHostConfig,
      DeviceRequests: (value) => areSameRequests(hostConfig.DeviceRequests, value),
    }),
    ...compareFields('Config', expectedConfig, actual.Config, judgedConfig),
    ...compareFields('NetworkSettings', {}, network),
    ...compareNetworks(networks),
    ...compareMounts(hostConfig.Mounts, actual.Mounts),
    ...compareAppArmor(actual.AppArmorProfile),
  ];
}

function compareNetworks(networks: Readonly<Record<string, Fields>>): string[] {
  const names = Object.keys(networks);
  if (!isDeepStrictEqual(names, ['none'])) return [`NetworkSettings.Networks is ${show(names)}, not ["none"]`];
  return compareFields('NetworkSettings.Networks.none', {}, { ...networks['none'] }, { NetworkID: () => true });
}

/** Empty where the host has no AppArmor, and before the start; never another profile. */
function compareAppArmor(profile: string): string[] {
  return ['', 'docker-default'].includes(profile) ? [] : [`AppArmorProfile is ${show(profile)}, not "docker-default"`];
}

/** The mounts that are really there, whichever way they were asked for; an image's VOLUME shows up here and nowhere else. */
function compareMounts(compiled: ContainerOptions['HostConfig']['Mounts'], actual: readonly Fields[]): string[] {
  const destinations = actual.map((mount) => mount['Destination']);
  const targets = compiled.map((mount) => mount.Target);
  // The engine lists them in no order.
  if (!isDeepStrictEqual([...destinations].sort(), [...targets].sort()))
    return [`Mounts has ${show(destinations)}, not ${show(targets)}`];
  return compiled.flatMap((mount) =>
    compareFields(
      `Mounts[${mount.Target}]`,
      { Type: mount.Type, Name: mount.Source, Destination: mount.Target, Driver: 'local', RW: !mount.ReadOnly },
      { ...actual.find(({ Destination }) => Destination === mount.Target) },
      { Source: isText, Mode: (value) => isUnset(value) || value === 'z' },
    ),
  );
}

/** Key by key, because the engine may give an empty list of theirs back as none. */
function areSameRequests(compiled: readonly Fields[], actual: unknown): boolean {
  if (compiled.length === 0) return isUnset(actual);
  if (!Array.isArray(actual) || actual.length !== compiled.length) return false;
  return compiled.every((request, index) => compareFields('', request, asFields(actual[index])).length === 0);
}

function holdsAll(value: unknown, wanted: readonly string[]): boolean {
  return Array.isArray(value) && wanted.every((path) => value.includes(path));
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}

function asFields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
