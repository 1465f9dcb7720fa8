import type { LoadPlanView } from '#shared/contract/memory.ts';
import type { ModelView } from '#shared/contract/snapshot.ts';
import { isResident } from '#shared/model/model-state.ts';
import { EjectMenu } from '../../components/eject-menu.tsx';
import { EmptyState } from '../../components/states.tsx';
import { StateDot } from '../../components/state-dot.tsx';
import { orderHerd } from '../../store/selectors.ts';
import { usePlans } from '../../store/use-plans.ts';
import { useStableOrder } from '../../store/use-stable-order.ts';
import { bytesByDevice, describeContext, describeSource, predictedLines } from './describe-need.ts';
import styles from './need-table.module.css';

/** What each model was expected to take, what it took, and how anybody knows. */
export function NeedTable({
  models,
  colours,
}: {
  readonly models: readonly ModelView[];
  readonly colours: ReadonlyMap<string, number>;
}) {
  const plans = usePlans();
  const { items, holdProps } = useStableOrder(orderHerd(models), ({ id }) => id);
  return (
    <section className={styles['card']} aria-labelledby="needs">
      <h2 id="needs">What each model takes</h2>
      {models.length === 0 ? (
        <EmptyState title="No models yet">
          <p>Add one in the catalog; what it takes is then shown here.</p>
        </EmptyState>
      ) : (
        <div className={styles['scroll']} {...holdProps}>
          <table>
            <thead>
              <tr>
                <th scope="col">Model</th>
                <th scope="col">Held now</th>
                <th scope="col">Predicted</th>
                <th scope="col">Measured</th>
                <th scope="col">Known from</th>
                <th scope="col">Context</th>
                <th scope="col">
                  <span className="visually-hidden">Eject</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {items.map((model) => (
                <NeedRow
                  key={model.id}
                  model={model}
                  colour={colours.get(model.id) ?? 0}
                  plan={isResident(model.state) ? undefined : plans.get(model.id)}
                />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function NeedRow({
  model,
  colour,
  plan,
}: {
  readonly model: ModelView;
  readonly colour: number;
  readonly plan: LoadPlanView | undefined;
}) {
  const measured = bytesByDevice(model.needHistory?.measuredBytes ?? {});
  return (
    <tr data-model={model.id}>
      <th scope="row">
        <span className={styles['model']}>
          <StateDot state={model.state} colour={colour} />
          <span className={styles['id']} title={model.id}>
            {model.id}
          </span>
        </span>
      </th>
      <Lines lines={bytesByDevice(model.reservedBytes)} otherwise="nothing" />
      <Lines lines={predictedLines(model, plan)} otherwise="not known" />
      <Lines lines={measured} otherwise="not yet" />
      <td>{describeSource(model, plan)}</td>
      <td>{describeContext(model, plan)}</td>
      <td className={styles['action']}>
        {model.state === 'ready' || model.state === 'draining' ? <EjectMenu id={model.id} /> : null}
      </td>
    </tr>
  );
}

function Lines({ lines, otherwise }: { readonly lines: readonly string[]; readonly otherwise: string }) {
  if (lines.length === 0) return <td className={styles['none']}>{otherwise}</td>;
  return (
    <td>
      {lines.map((line) => (
        <div key={line} className={styles['line']}>
          {line}
        </div>
      ))}
    </td>
  );
}
