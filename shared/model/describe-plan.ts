import type { LoadPlanView } from '../contract/memory.ts';
import { formatDuration, formatSize } from './units.ts';

/** Plans in words, the same in the window, the tray and the command line. */

/** What a person wants to know before a load, most important first. */
export function describePlan(plan: LoadPlanView): string[] {
  return [
    describeOutcome(plan),
    ...describeNeed(plan),
    ...plan.ejects.map(({ model, reason, bytes }) => `  ejects ${model} (${reason}), frees ${describeBytes(bytes)}`),
    ...(plan.keeps.length === 0 ? [] : [`  keeps ${plan.keeps.join(', ')}`]),
    ...(plan.expectedLoadMs === null ? [] : [`  loads in about ${formatDuration(plan.expectedLoadMs)}`]),
  ];
}

function describeOutcome({ model, isLoaded, outcome, ejects, waitsFor, problem }: LoadPlanView): string {
  if (isLoaded) return `${model} is loaded already`;
  switch (outcome) {
    case 'fits':
      return `${model} fits`;
    case 'evicts':
      return `${model} fits once ${ejects.map((each) => each.model).join(', ')} ${ejects.length === 1 ? 'is' : 'are'} ejected`;
    case 'waits':
      return waitsFor.length === 0
        ? `${model} would wait for memory that is on its way back`
        : `${model} would wait until ${waitsFor.join(', ')} ${waitsFor.length === 1 ? 'is' : 'are'} idle`;
    case 'no-room':
      return `${model} does not fit. ${problem ?? ''}`.trim();
    case 'unknown':
      return `Nobody can tell what ${model} needs`;
  }
}

const sources = {
  measured: 'as measured the last time',
  forecast: 'by llama-server’s own forecast',
  estimate: 'estimated from its file',
  unknown: 'not known before its first load',
} as const;

function describeNeed({ need, placement, freeBytes }: LoadPlanView): string[] {
  if (need === null) return [];
  if (need.source === 'unknown') return [`  needs: ${sources.unknown}`];
  const context = need.contextSize === null ? '' : `, with ${need.contextSize} tokens of context`;
  const bytes =
    Object.keys(placement).length > 0
      ? describeBytes(placement)
      : formatSize(need.offloadedBytes > 0 ? need.offloadedBytes : need.cpuBytes);
  return [`  needs ${bytes} (${sources[need.source]}${context}); free: ${describeBytes(freeBytes)}`];
}

function describeBytes(bytes: Readonly<Record<string, number>>): string {
  const parts = Object.entries(bytes).map(([device, each]) => `${formatSize(each)} of ${device}`);
  return parts.length === 0 ? 'nothing that is known' : parts.join(', ');
}

/** What a load would do to others, in a few words for a line in a list; undefined if nobody knows. */
export function describeConsequence({ outcome, ejects, waitsFor }: LoadPlanView): string | undefined {
  switch (outcome) {
    case 'fits':
      return 'ejects nothing';
    case 'evicts':
      return `ejects ${ejects.map(({ model }) => model).join(', ')}`;
    case 'waits':
      return waitsFor.length === 0 ? 'waits for memory' : `waits for ${waitsFor.join(', ')}`;
    case 'no-room':
      return 'won’t fit';
    case 'unknown':
      return undefined;
  }
}

/** What a load takes over all devices; undefined if nobody knows. */
export function describePlanSize({ need, placement }: LoadPlanView): string | undefined {
  if (need === null || need.source === 'unknown') return undefined;
  const placed = Object.values(placement).reduce((sum, bytes) => sum + bytes, 0);
  const bytes = placed > 0 ? placed : Math.max(need.offloadedBytes, need.cpuBytes);
  return `${need.source === 'measured' ? '' : '≈'}${formatSize(bytes)}`;
}
