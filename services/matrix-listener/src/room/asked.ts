import type { UnsignedCommand } from '@countersign/contracts/command.ts';

/** A command's kind and subject. */
export type Asked = UnsignedCommand extends infer Each
  ? Each extends UnsignedCommand
    ? Pick<Each, 'kind' | 'subject'>
    : never
  : never;
