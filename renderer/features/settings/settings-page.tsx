import { Tabs } from '@base-ui/react/tabs';
import { useState } from 'react';
import type { SettingsView } from '#shared/contract/settings.ts';
import { Button } from '../../components/button.tsx';
import { Page } from '../../components/page.tsx';
import { Banner, ErrorState, LoadingState } from '../../components/states.tsx';
import { useAppStore } from '../../store/app-store.ts';
import { useCommand } from '../../store/use-command.ts';
import { useNow } from '../../store/use-now.ts';
import { BrokenFile } from './broken-file.tsx';
import { ChangesBar } from './changes-bar.tsx';
import { groupsOf, sections, type SectionId } from './field-table.ts';
import { FilePanel } from './file-panel.tsx';
import { KeysSection } from './keys-section.tsx';
import { ModelsSection } from './models-section.tsx';
import { NetworkSwitch } from './network-switch.tsx';
import { SetsSection } from './sets-section.tsx';
import { SettingGroup } from './setting-row.tsx';
import { SettingsSearch } from './settings-search.tsx';
import styles from './settings-page.module.css';
import { acceptFile, openSection, useSettingsStore } from './settings-store.ts';
import { SettingsFormContext, useCreateSettingsForm, useSettingsForm } from './use-settings-form.ts';
import { WindowSection } from './window-section.tsx';

/** An editor saves without a word to anybody, so the file is looked at this often while the page is open. */
const LOOK_INTERVAL_MS = 5000;
/** From here on there is room for the file beside the form. */
const wideQuery = '(min-width: 1180px)';

/** A form over the configuration file, with the file beside it and what a change would do before it is made. */
export function SettingsPage() {
  const instance = useAppStore(({ snapshot }) => snapshot?.instance);
  const round = useSettingsStore((state) => state.round);
  const look = Math.floor(useNow(LOOK_INTERVAL_MS) / LOOK_INTERVAL_MS);
  const { data, error, reload } = useCommand('read-settings', {}, JSON.stringify([instance, round, look]));
  if (data !== undefined) {
    return data.values === null ? <BrokenFile settings={data} /> : <SettingsForm settings={data} />;
  }
  return (
    <Page title="Settings">
      {error === undefined ? (
        <LoadingState label="Reading the configuration…" />
      ) : (
        <ErrorState title="The configuration cannot be read" error={error} retry={reload} />
      )}
    </Page>
  );
}

function SettingsForm({ settings }: { readonly settings: SettingsView }) {
  const form = useCreateSettingsForm(settings);
  const section = useSettingsStore((state) => state.section);
  const [isFileShown, setIsFileShown] = useState(() => window.matchMedia(wideQuery).matches);
  return (
    <SettingsFormContext value={form}>
      <Page
        title="Settings"
        isFilled
        actions={
          <>
            <SettingsSearch />
            <Button aria-pressed={isFileShown} onClick={() => setIsFileShown((before) => !before)}>
              {isFileShown ? 'Hide the file' : 'Show the file'}
            </Button>
          </>
        }
      >
        <FileChanged />
        <div className={styles['columns']} data-file={isFileShown}>
          <Tabs.Root
            orientation="vertical"
            className={styles['tabs']}
            value={section}
            onValueChange={(value) => openSection(value as SectionId)}
          >
            <Tabs.List className={styles['list']} aria-label="Sections">
              {sections.map(({ id, title }) => (
                <Tabs.Tab key={id} value={id} className={styles['tab']}>
                  {title}
                </Tabs.Tab>
              ))}
            </Tabs.List>
            {sections.map(({ id }) => (
              <Tabs.Panel key={id} value={id} className={styles['panel']}>
                <Section id={id} />
              </Tabs.Panel>
            ))}
          </Tabs.Root>
          {isFileShown ? <FilePanel /> : null}
        </div>
        <ChangesBar />
      </Page>
    </SettingsFormContext>
  );
}

function Section({ id }: { readonly id: SectionId }) {
  const { devices } = useSettingsForm();
  switch (id) {
    case 'models':
      return <ModelsSection />;
    case 'keys':
      return <KeysSection />;
    case 'sets':
      return <SetsSection />;
    case 'window':
      return <WindowSection />;
    case 'general':
    case 'defaults':
    case 'memory':
    case 'queue':
    case 'llama':
    case 'logging':
      return (
        <>
          {id === 'general' ? <NetworkSwitch /> : null}
          {groupsOf(id, devices).map((group) => (
            <SettingGroup key={group.title} group={group} />
          ))}
        </>
      );
  }
}

/** Somebody else wrote to the file while changes were pending. They are kept, and compared with the new file. */
function FileChanged() {
  const { isFileChanged, lostEdits, context } = useSettingsForm();
  if (!isFileChanged) return null;
  const lost =
    lostEdits.length === 0 ? '' : ` ${lostEdits.length} of them concerned a key that is gone, and cannot be kept.`;
  return (
    <Banner
      kind="caution"
      actions={<Button onClick={() => acceptFile(context.edits, context.values)}>Understood</Button>}
    >
      The file was changed meanwhile. Your changes are kept and now compared with the new file.{lost}
    </Banner>
  );
}
