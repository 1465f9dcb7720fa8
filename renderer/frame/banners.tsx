import { formatSize } from '#shared/model/units.ts';
import type { EngineStatusView, InstanceView } from '#shared/contract/snapshot.ts';
import { Button } from '../components/button.tsx';
import { Age, Banner } from '../components/states.tsx';
import { useAppStore } from '../store/app-store.ts';
import { useEngine } from '../store/engine-context.ts';
import { navigate } from '../store/navigate.ts';
import { notifyError } from '../store/notices.ts';

/** What concerns the whole of Corral, over whatever page is open; nothing if all is well. */
export function Banners() {
  const connection = useAppStore((state) => state.connection);
  const snapshot = useAppStore((state) => state.snapshot);
  const { actions } = useEngine();
  return (
    <>
      {connection.status === 'lost' ? (
        <Banner kind="caution">
          Not connected to Corral for <Age since={connection.since} /> ({connection.reason}); trying again. What is
          shown is from before.
        </Banner>
      ) : null}
      {snapshot === undefined ? null : (
        <>
          {snapshot.instance.isShuttingDown ? <Banner kind="caution">Corral is shutting down.</Banner> : null}
          <ConfigBanner instance={snapshot.instance} />
          <EngineBanner engine={snapshot.engine} />
          {snapshot.memory.isGameMode ? (
            <Banner kind="note" actions={<Button onClick={() => void actions.setGameMode(false)}>Switch off</Button>}>
              Game mode is on: nothing is loaded until it is switched off.
            </Banner>
          ) : null}
        </>
      )}
    </>
  );
}

function ConfigBanner({ instance }: { readonly instance: InstanceView }) {
  const { desktop } = useEngine();
  const [first] = instance.configErrors;
  if (first === undefined) return null;
  const rest = instance.configErrors.length - 1;
  const open =
    desktop === undefined ? (
      <Button onClick={() => navigate('settings')}>Show it</Button>
    ) : (
      <Button onClick={() => void desktop.call('open-path', { which: 'config' }).catch(notifyError)}>
        Open the file
      </Button>
    );
  return (
    <Banner kind="trouble" actions={open}>
      The configuration was changed and cannot be used; the last good one stays active. <code>{first.path}</code>{' '}
      {first.message}
      {rest > 0 ? ` (and ${rest} more)` : ''}
    </Banner>
  );
}

function EngineBanner({ engine }: { readonly engine: EngineStatusView }) {
  const { actions } = useEngine();
  if (engine.status === 'missing') {
    return (
      <Banner kind="trouble" actions={<Button onClick={() => void actions.findEngine()}>Look again</Button>}>
        {engine.reason} {engine.hint}
      </Banner>
    );
  }
  if (engine.status !== 'installing') return null;
  const { step, receivedBytes, totalBytes } = engine;
  const progress =
    receivedBytes === undefined
      ? ''
      : ` (${formatSize(receivedBytes)}${totalBytes === undefined ? '' : ` of ${formatSize(totalBytes)}`})`;
  return (
    <Banner kind="note">
      {step}
      {progress}. Requests wait meanwhile.
    </Banner>
  );
}
