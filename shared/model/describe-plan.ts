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

/** A plan in a few words, for a line in a list: `≈5.1 GB · ejects qwen3-8b`. A prediction is marked. */
export function summarisePlan(plan: LoadPlanView): string {
  const size = describePlanSize(plan);
  switch (plan.outcome) {
    case 'fits':
      return join(size, 'ejects nothing');
    case 'evicts':
      return join(size, `ejects ${plan.ejects.map(({ model }) => model).join(', ')}`);
    case 'waits':
      return join(size, plan.waitsFor.length === 0 ? 'waits for memory' : `waits for ${plan.waitsFor.join(', ')}`);
    case 'no-room':
      return join(size, `won’t fit`);
    case 'unknown':
      return size ?? 'size not known yet';
  }
}

/** What a load takes over all devices; undefined if nobody knows. */
export function describePlanSize({ need, placement }: LoadPlanView): string | undefined {
  if (need === null || need.source === 'unknown') return undefined;
  const placed = Object.values(placement).reduce((sum, bytes) => sum + bytes, 0);
  const bytes = placed > 0 ? placed : Math.max(need.offloadedBytes, need.cpuBytes);
  return `${need.source === 'measured' ? '' : '≈'}${formatSize(bytes)}`;
}

function join(size: string | undefined, rest: string): string {
  return size === undefined ? rest : `${size} · ${rest}`;
}
