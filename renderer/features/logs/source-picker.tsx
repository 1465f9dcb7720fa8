import { SquareTerminal } from 'lucide-react';
import { Select, type SelectOption } from '../../components/select.tsx';
import { StateDot } from '../../components/state-dot.tsx';
import { useAppStore } from '../../store/app-store.ts';
import { navigate } from '../../store/navigate.ts';
import { selectColours } from '../../store/selectors.ts';

/** The log of Corral itself, as `read-logs` knows it. */
export const APP_LOG = 'corral';

/** Whose log is shown: Corral's own or a model's. */
export function SourcePicker({ source }: { readonly source: string }) {
  const models = useAppStore(({ snapshot }) => snapshot?.models ?? none);
  const colours = selectColours(models);
  const options: SelectOption[] = [
    { value: APP_LOG, label: 'Corral itself', mark: <SquareTerminal size={13} aria-hidden /> },
    ...models.map(({ id, state }) => ({
      value: id,
      label: id,
      mark: <StateDot state={state} colour={colours.get(id) ?? 0} />,
    })),
  ];
  return (
    <Select
      label="Whose log"
      value={source}
      options={options}
      onChange={(next) => navigate('logs', next === APP_LOG ? undefined : next)}
    />
  );
}

const none: readonly never[] = [];
