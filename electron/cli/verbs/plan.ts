import type { Bridge } from '#shared/contract/bridge.ts';
import type { LoadPlanView } from '#shared/contract/memory.ts';
import { formatDuration, formatSize } from '#shared/model/units.ts';
import { printable } from '../printable.ts';
import { writeJson, type VerbContext } from '../terminal.ts';

/** `corral plan M`: what loading it would take and do, and nothing happens. As JSON: `{ plan }`. */
export async function showPlan(bridge: Bridge, { terminal, isJson, signal }: VerbContext, name: string): Promise<void> {
  const { plan } = await bridge.call('plan-load', { model: name }, signal);
  if (isJson) writeJson(terminal, { plan });
  else for (const line of describePlan(plan)) terminal.write(`${printable(line)}\n`);
}

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
