import { describe, expect, it } from 'vitest';
import { hasComeBack } from '../../../electron/engine/memory/memory-return.ts';

const MIB = 1024 ** 2;
const facts = { freeBeforeBytes: 2000 * MIB, heldBytes: 8000 * MIB, freeNowBytes: 10_000 * MIB, isListed: undefined };
/** All but a tenth and 64 MiB. */
const least = (2000 + 7200 - 64) * MIB;

describe('memory has come back', () => {
  it.each([
    { name: 'once all of it is free', changes: {}, isBack: true },
    { name: 'not while nothing is', changes: { freeNowBytes: 2000 * MIB }, isBack: false },
    { name: 'though the driver keeps a little', changes: { freeNowBytes: least }, isBack: true },
    { name: 'not if it keeps more', changes: { freeNowBytes: least - 1 }, isBack: false },
    { name: 'not while the device counts it to the process', changes: { isListed: true }, isBack: false },
    {
      name: 'not because the process is gone from the list',
      changes: { isListed: false, freeNowBytes: least - 1 },
      isBack: false,
    },
    { name: 'where the device does not tell', changes: { freeNowBytes: undefined }, isBack: true },
    { name: 'where nobody looked before', changes: { freeBeforeBytes: undefined, freeNowBytes: 0 }, isBack: true },
    {
      name: 'at once if it held next to nothing',
      changes: { heldBytes: 50 * MIB, freeNowBytes: 2000 * MIB },
      isBack: true,
    },
    {
      name: 'not if meanwhile less is free than before',
      changes: { heldBytes: 50 * MIB, freeNowBytes: 1999 * MIB },
      isBack: false,
    },
  ])('$name', ({ changes, isBack }) => {
    expect(hasComeBack({ ...facts, ...changes })).toBe(isBack);
  });
});
