import type { CommandResult } from '../../store/use-command.ts';
import { Button } from '../../components/button.tsx';
import { CopyButton } from '../../components/copy-button.tsx';
import { navigate } from '../../store/navigate.ts';
import { lanBaseUrls } from './connect-facts.ts';
import styles from './lan-access.module.css';
import { QrCode } from '../../components/qr-code.tsx';

/** The addresses for other devices, or why there are none. */
export function LanAccess({
  address,
  settings,
}: {
  readonly address: string;
  readonly settings: CommandResult<'read-settings'>;
}) {
  const { data, error, reload } = settings;
  const urls = lanBaseUrls(address, data);
  return (
    <section className={styles['card']} aria-labelledby="lan">
      <h2 id="lan">Other devices</h2>
      {data === undefined && error === undefined ? (
        <p className={styles['text']}>Reading the settings…</p>
      ) : error !== undefined && data === undefined ? (
        <p className={styles['text']} role="alert">
          The settings could not be read: {error.message} <Button onClick={() => reload()}>Try again</Button>
        </p>
      ) : urls.length === 0 ? (
        <div className={styles['closed']}>
          <p className={styles['text']}>
            Corral listens on this computer only; phones and other computers cannot reach it. It can listen on the local
            network, and then demands a key of everybody.
          </p>
          <Button onClick={() => navigate('settings', 'server')}>Open to the network…</Button>
        </div>
      ) : (
        <>
          <p className={styles['text']}>In the local network use this address instead, with a key.</p>
          <ul className={styles['urls']}>
            {urls.map((url) => (
              <li key={url}>
                <QrCode text={url} label={`QR code of ${url}`} />
                <span className={styles['url']}>
                  <code>{url}</code>
                  <CopyButton text={url} label={`Copy ${url}`} />
                </span>
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}
