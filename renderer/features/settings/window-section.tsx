import { Switch } from '@base-ui/react/switch';
import { useEffect, useId, useState, type ReactNode } from 'react';
import type { DesktopState, UpdateStatus } from '#shared/contract/desktop-commands.ts';
import { toAppError, type AppError } from '#shared/contract/errors.ts';
import type { DesktopBridge } from '../../bridge/ipc-bridge.ts';
import { Button } from '../../components/button.tsx';
import { Age } from '../../components/states.tsx';
import { useEngine } from '../../store/engine-context.ts';
import { notifyError } from '../../store/notices.ts';
import { readThemeChoice, saveThemeChoice, themeChoices, type ThemeChoice } from '../../store/theme.ts';
import control from './field-control.module.css';
import { groupsOf } from './field-table.ts';
import { SettingGroup } from './setting-row.tsx';
import list from './list-section.module.css';
import row from './setting-row.module.css';

/** How the window looks, and what only the desktop app can do. Unlike the rest, these take effect at once. */
export function WindowSection() {
  const { desktop } = useEngine();
  const [theme, setTheme] = useState(readThemeChoice);
  const choose = (choice: ThemeChoice): void => {
    setTheme(choice);
    saveThemeChoice(choice);
  };
  return (
    <>
      <section className={row['group']} aria-labelledby="appearance">
        <h2 id="appearance">Appearance</h2>
        <PlainRow label="Theme" help="Kept in this window; nothing is written to the file.">
          {(labelId) => (
            <select
              aria-labelledby={labelId}
              className={control['short']}
              value={theme}
              onChange={({ target }) => choose(target.value as ThemeChoice)}
            >
              {themeChoices.map((choice) => (
                <option key={choice} value={choice}>
                  {themeNames[choice]}
                </option>
              ))}
            </select>
          )}
        </PlainRow>
      </section>
      {desktop === undefined ? (
        <p className={list['intro']}>Start at login, notifications and updates belong to the desktop app.</p>
      ) : (
        <DesktopSettings desktop={desktop} />
      )}
      {groupsOf('window', []).map((group) => (
        <SettingGroup key={group.title} group={group} />
      ))}
    </>
  );
}

const themeNames = { system: 'As the system', light: 'Light', dark: 'Dark' } as const satisfies Record<
  ThemeChoice,
  string
>;

/** While an update is looked for or fetched, its progress is asked for this often. */
const POLL_MS = 1000;

function DesktopSettings({ desktop }: { readonly desktop: DesktopBridge }) {
  const [state, setState] = useState<DesktopState | undefined>(undefined);
  const [error, setError] = useState<AppError | undefined>(undefined);
  const [round, setRound] = useState(0);
  const isBusy = state?.update.status === 'checking' || state?.update.status === 'downloading';

  useEffect(() => {
    let isGone = false;
    desktop.call('read-desktop', {}).then(
      (next) => {
        if (isGone) return;
        setState(next);
        setError(undefined);
      },
      (thrown: unknown) => {
        if (!isGone) setError(toAppError(thrown));
      },
    );
    return () => {
      isGone = true;
    };
  }, [desktop, round]);
  useEffect(() => {
    if (!isBusy) return undefined;
    const timer = setInterval(() => setRound((before) => before + 1), POLL_MS);
    return () => clearInterval(timer);
  }, [isBusy]);

  const update = (change: { startsAtLogin?: boolean; notifications?: boolean }): void =>
    void desktop.call('update-desktop', change).then(setState, notifyError);
  if (error !== undefined) return <p role="alert">{error.message}</p>;
  if (state === undefined) return null;
  const open = (which: 'config' | 'logs' | 'data'): void =>
    void desktop.call('open-path', { which }).catch(notifyError);
  return (
    <section className={row['group']} aria-labelledby="desktop">
      <h2 id="desktop">Desktop app</h2>
      {state.startsAtLogin === null ? null : (
        <PlainRow label="Start at login" help="Corral starts hidden, in the tray.">
          {(labelId) => (
            <PlainSwitch
              labelId={labelId}
              isOn={state.startsAtLogin === true}
              onChange={(startsAtLogin) => update({ startsAtLogin })}
            />
          )}
        </PlainRow>
      )}
      <PlainRow label="Notifications" help="When a model crashes or cannot be loaded.">
        {(labelId) => (
          <PlainSwitch
            labelId={labelId}
            isOn={state.notifications}
            onChange={(notifications) => update({ notifications })}
          />
        )}
      </PlainRow>
      <PlainRow label="Updates" help={<UpdateText update={state.update} />}>
        {() =>
          state.update.status === 'ready' ? (
            <Button kind="primary" onClick={() => void desktop.call('install-update', {}).catch(notifyError)}>
              Install and restart
            </Button>
          ) : (
            <Button
              disabled={isBusy || state.update.status === 'unavailable'}
              onClick={() => void desktop.call('check-for-update', {}).then(setState, notifyError)}
            >
              Look for updates
            </Button>
          )
        }
      </PlainRow>
      <PlainRow label="Folders" help="Opened in the file manager or editor of the system.">
        {() => (
          <span className={control['row']}>
            <Button onClick={() => open('config')}>Configuration</Button>
            <Button onClick={() => open('logs')}>Logs</Button>
            <Button onClick={() => open('data')}>Data</Button>
          </span>
        )}
      </PlainRow>
    </section>
  );
}

function UpdateText({ update }: { readonly update: UpdateStatus }) {
  switch (update.status) {
    case 'unavailable':
    case 'failed':
      return <>{update.reason}</>;
    case 'idle':
      return update.checkedAt === null ? (
        <>Not looked for yet.</>
      ) : (
        <>
          Up to date; looked <Age since={update.checkedAt} /> ago.
        </>
      );
    case 'checking':
      return <>Looking…</>;
    case 'downloading':
      return (
        <>
          Downloading {update.version}, {Math.round(update.progress * 100)} %.
        </>
      );
    case 'ready':
      return <>{update.version} is ready. Models stop in order before it is installed.</>;
  }
}

function PlainRow({
  label,
  help,
  children,
}: {
  readonly label: string;
  readonly help: ReactNode;
  children(labelId: string): ReactNode;
}) {
  const labelId = useId();
  return (
    <div className={row['row']}>
      <div className={row['head']}>
        <span className={row['label']} id={labelId}>
          {label}
        </span>
      </div>
      <div className={row['control']}>
        <span>{children(labelId)}</span>
      </div>
      <p className={row['help']}>{help}</p>
    </div>
  );
}

function PlainSwitch({
  labelId,
  isOn,
  onChange,
}: {
  readonly labelId: string;
  readonly isOn: boolean;
  onChange(isOn: boolean): void;
}) {
  return (
    <Switch.Root className={control['switch']} aria-labelledby={labelId} checked={isOn} onCheckedChange={onChange}>
      <Switch.Thumb className={control['thumb']} />
    </Switch.Root>
  );
}
