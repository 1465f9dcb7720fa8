import type { Bridge } from '#shared/contract/bridge.ts';
import { describePlan } from '#shared/model/describe-plan.ts';
import { printable } from '../printable.ts';
import { writeJson, type VerbContext } from '../terminal.ts';

/** `corral plan M`: what loading it would take and do, and nothing happens. As JSON: `{ plan }`. */
export async function showPlan(bridge: Bridge, { terminal, isJson, signal }: VerbContext, name: string): Promise<void> {
  const { plan } = await bridge.call('plan-load', { model: name }, signal);
  if (isJson) writeJson(terminal, { plan });
  else for (const line of describePlan(plan)) terminal.write(`${printable(line)}\n`);
}
