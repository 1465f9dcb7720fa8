import {
  Activity,
  Boxes,
  Gauge,
  Layers,
  MessageSquare,
  Plug,
  ScrollText,
  Settings,
  Timer,
  type LucideIcon,
} from 'lucide-react';
import { useAppStore } from '../store/app-store.ts';
import { formatPlace, pages, type PageName } from '../store/pages.ts';
import styles from './navigation.module.css';

const icons: Readonly<Record<PageName, LucideIcon>> = {
  herd: Layers,
  queue: Timer,
  activity: Activity,
  logs: ScrollText,
  memory: Gauge,
  catalog: Boxes,
  connect: Plug,
  playground: MessageSquare,
  settings: Settings,
};

export function Navigation() {
  const current = useAppStore(({ place }) => place.page);
  const waiting = useAppStore(({ snapshot }) => snapshot?.queue.length ?? 0);
  return (
    <nav className={styles['navigation']} aria-label="Pages">
      <ul>
        {pages.map(({ name, title }) => {
          const Icon = icons[name];
          return (
            <li key={name}>
              <a
                href={formatPlace({ page: name, subject: undefined })}
                className={styles['link']}
                aria-current={name === current ? 'page' : undefined}
              >
                <Icon size={15} aria-hidden />
                <span className={styles['title']}>{title}</span>
                {name === 'queue' && waiting > 0 ? (
                  <span className={styles['count']} aria-label={`${waiting} waiting`}>
                    {waiting}
                  </span>
                ) : null}
              </a>
            </li>
          );
        })}
      </ul>
    </nav>
  );
}
