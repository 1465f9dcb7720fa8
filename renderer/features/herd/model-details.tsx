import type { ReactNode } from 'react';
import type { LoadPlanView } from '#shared/contract/memory.ts';
import type { ModelView } from '#shared/contract/snapshot.ts';
import { describePlanSize } from '#shared/model/describe-plan.ts';
import { formatDuration, formatSize } from '#shared/model/units.ts';
import { Button } from '../../components/button.tsx';
import { CopyButton } from '../../components/copy-button.tsx';
import { Age } from '../../components/states.tsx';
import { useAppStore } from '../../store/app-store.ts';
import { navigate } from '../../store/navigate.ts';
import { useCommand } from '../../store/use-command.ts';
import { formatRate } from './describe-model.ts';
import { formatCommandLine } from './format-command-line.ts';
import styles from './model-details.module.css';

const TAIL_LINES = 8;

/** What lies behind a row: how it runs, what it takes, what became of earlier loads, the end of its log. */
export function ModelDetails({ model, plan }: { readonly model: ModelView; readonly plan: LoadPlanView | undefined }) {
  const history = model.needHistory;
  const commandLine = model.commandLine === null ? undefined : formatCommandLine(model.commandLine);
  return (
    <div className={styles['details']}>
      <dl className={styles['facts']}>
        <Fact name="Aliases">{model.aliases.length === 0 ? 'none' : model.aliases.join(', ')}</Fact>
        <Fact name="Process">{model.pid === null ? 'none' : `pid ${model.pid}, ${model.state}`}</Fact>
        <Fact name="Listens on">{model.address ?? 'nothing'}</Fact>
        <Fact name="Context">{model.contextSize === null ? 'not known yet' : `${model.contextSize} tokens`}</Fact>
        <Fact name="Slots">{model.concurrency === null ? 'not known yet' : String(model.concurrency)}</Fact>
        <Fact name="In this state">
          <Age since={model.stateSince} />
        </Fact>
        <Fact name="Last used">{model.lastUsedAt === null ? 'never' : <AgeAgo at={model.lastUsedAt} />}</Fact>
        <Fact name="Predicted">{describePrediction(model, plan)}</Fact>
        <Fact name="Measured">
          {history?.measuredBytes === null || history === null
            ? 'never loaded like this'
            : formatBytes(history.measuredBytes)}
        </Fact>
        <Fact name="Loads took">
          {history === null || history.loadTimesMs.length === 0
            ? 'no load yet'
            : history.loadTimesMs.map(formatDuration).join(', ')}
        </Fact>
        <Fact name="Speed">{describeSpeed(model)}</Fact>
        <Fact name="Last exit">{describeExit(model)}</Fact>
      </dl>
      {commandLine === undefined ? null : (
        <div className={styles['command']}>
          <code>{commandLine}</code>
          <CopyButton text={commandLine} label="Copy the command line" />
        </div>
      )}
      <LogTail id={model.id} />
    </div>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function AgeAgo({ at }: { readonly at: number }) {
  return (
    <>
      <Age since={at} /> ago
    </>
  );
}

function describeSpeed({ needHistory }: ModelView): string {
  const speed = needHistory?.tokensPerSecond ?? null;
  return speed === null ? 'not measured yet' : `${formatRate(speed)} tok/s`;
}

function describePrediction({ needHistory }: ModelView, plan: LoadPlanView | undefined): string {
  const bytes = needHistory?.predictedBytes ?? {};
  if (Object.values(bytes).some((each) => each > 0)) return `≈${formatBytes(bytes)}`;
  return (plan === undefined ? undefined : describePlanSize(plan)) ?? 'not known before its first load';
}

function formatBytes(bytes: Readonly<Record<string, number>>): string {
  const parts = Object.entries(bytes).filter(([, each]) => each > 0);
  return parts.length === 0 ? '0 B' : parts.map(([device, each]) => `${formatSize(each)} of ${device}`).join(', ');
}

function describeExit({ lastExit }: ModelView): ReactNode {
  if (lastExit === null) return 'none';
  const how = lastExit.signal === null ? `code ${String(lastExit.exitCode)}` : lastExit.signal;
  const who = lastExit.askedBy === null ? 'nobody asked for it' : `asked by ${lastExit.askedBy}`;
  return (
    <>
      {how}, {who}, <AgeAgo at={lastExit.at} />
    </>
  );
}

function LogTail({ id }: { readonly id: string }) {
  const version = useAppStore(({ lastLogLines }) => lastLogLines.get(id));
  const { data, error } = useCommand('read-logs', { source: id, limit: TAIL_LINES }, version);
  return (
    <div>
      <div className={styles['tail-head']}>
        <h2>Log</h2>
        <Button kind="quiet" aria-label={`Logs of ${id}`} onClick={() => navigate('logs', id)}>
          Logs
        </Button>
      </div>
      <pre className={styles['tail']} tabIndex={0} aria-label={`The end of the log of ${id}`}>
        {error === undefined
          ? data === undefined || data.lines.length > 0
            ? data?.lines.map(({ text }) => text).join('\n')
            : 'It has not said anything yet.'
          : error.message}
      </pre>
    </div>
  );
}
