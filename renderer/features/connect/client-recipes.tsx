import { Tabs } from '@base-ui/react/tabs';
import { useState } from 'react';
import { clients, recipe, type ClientId, type RecipeFacts } from '#shared/model/client-recipes.ts';
import { Snippet } from '../../components/snippet.tsx';
import { navigate } from '../../store/navigate.ts';
import { useAppStore } from '../../store/app-store.ts';
import styles from './client-recipes.module.css';

const groups = [...new Set(clients.map(({ group }) => group))];

/** The programs at the left, arrows move; what to do in the chosen one beside them. */
export function ClientRecipes({ facts }: { readonly facts: RecipeFacts }) {
  const subject = useAppStore(({ place }) => place.subject);
  const [first] = useState(subject);
  const [chosen, setChosen] = useState<ClientId>(() => clients.find(({ id }) => id === first)?.id ?? clients[0].id);
  const choose = (id: ClientId): void => {
    setChosen(id);
    navigate('connect', id);
  };
  return (
    <Tabs.Root
      className={styles['recipes']}
      orientation="vertical"
      value={chosen}
      onValueChange={(value) => choose(value as ClientId)}
    >
      <Tabs.List className={styles['list']} aria-label="Programs" activateOnFocus>
        {groups.map((group) => (
          <div key={group} className={styles['group']} role="presentation">
            <span className={styles['group-name']} aria-hidden>
              {group}
            </span>
            {clients
              .filter((client) => client.group === group)
              .map(({ id, name }) => (
                <Tabs.Tab key={id} value={id} className={styles['tab']}>
                  {name}
                </Tabs.Tab>
              ))}
          </div>
        ))}
      </Tabs.List>
      {clients.map(({ id, name }) => (
        <Tabs.Panel key={id} value={id} className={styles['panel']}>
          <h2>{name}</h2>
          <ol className={styles['steps']}>
            {recipe(id, facts).map(({ text, snippet }, index) => (
              <li key={text}>
                <p>{text}</p>
                {snippet === undefined ? null : (
                  <Snippet code={snippet.code} label={`Copy for ${name}, step ${index + 1}`} />
                )}
              </li>
            ))}
          </ol>
        </Tabs.Panel>
      ))}
    </Tabs.Root>
  );
}
