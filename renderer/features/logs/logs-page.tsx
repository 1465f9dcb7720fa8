import { ChoiceGroup } from '../../components/choice-group.tsx';
import { Page } from '../../components/page.tsx';
import { useAppStore } from '../../store/app-store.ts';
import { setLogPreferences, useLogPreferences } from './log-preferences.ts';
import { LogView } from './log-view.tsx';
import { APP_LOG, SourcePicker } from './source-picker.tsx';

/** What Corral and its models wrote, live. The address says whose log it is. */
export function LogsPage() {
  const source = useAppStore(({ place }) => (place.page === 'logs' ? place.subject : undefined) ?? APP_LOG);
  // Line numbers begin anew with each run of Corral.
  const startedAt = useAppStore(({ snapshot }) => snapshot?.instance.startedAt ?? 0);
  const { isProblemsOnly } = useLogPreferences();
  return (
    <Page
      title="Logs"
      isFilled
      actions={
        <>
          <ChoiceGroup
            label="Level"
            value={isProblemsOnly ? 'problems' : 'all'}
            choices={levels}
            onChange={(level) => setLogPreferences({ isProblemsOnly: level === 'problems' })}
          />
          <SourcePicker source={source} />
        </>
      }
    >
      <LogView key={`${startedAt} ${source}`} source={source} />
    </Page>
  );
}

const levels = [
  { value: 'all', label: 'All' },
  { value: 'problems', label: 'Warnings and errors' },
] as const;
