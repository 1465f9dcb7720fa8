import { Switch } from '@base-ui/react/switch';
import { useState } from 'react';
import { Button } from '../../components/button.tsx';
import { CopyButton } from '../../components/copy-button.tsx';
import { QrCode } from '../../components/qr-code.tsx';
import { valueAt } from './edits.ts';
import control from './field-control.module.css';
import { closeNetworkEdit, generateKey, isOpenToNetwork, lanUrl, listKeys, openNetworkEdits } from './lan-switch.ts';
import styles from './network-switch.module.css';
import { NewKeys } from './new-keys.tsx';
import { isOpenSetting } from '../../store/open-settings.ts';
import { useSettingsStore } from './settings-store.ts';
import { useSettingsForm } from './use-settings-form.ts';

const DEFAULT_PORT = 5526;

/** Opens Corral to other devices, never without a key, and shows them where to find it. */
export function NetworkSwitch() {
  const { context, change } = useSettingsForm();
  const { edited, values, settings } = context;
  const [isAsking, setIsAsking] = useState(false);
  const [name, setName] = useState('my devices');
  const isOn = isOpenToNetwork(edited);
  const hasKey = listKeys(edited).length > 0;
  const isAllowed = isOpenSetting(['server', 'host'], settings.openPaths);
  const isPending = isOn !== isOpenToNetwork(values);
  const port = valueAt(edited, ['server', 'port']);

  const toggle = (next: boolean): void => {
    setIsAsking(next && !hasKey);
    if (!next) change(closeNetworkEdit);
    else if (hasKey) change(...openNetworkEdits(edited, undefined));
  };
  const openWithKey = (): void => {
    const key = { name: name.trim(), key: generateKey() };
    useSettingsStore.setState(({ newKeys }) => ({ newKeys: [...newKeys, key] }));
    change(...openNetworkEdits(edited, key));
    setIsAsking(false);
  };

  return (
    <section className={styles['network']} aria-labelledby="network-title">
      <div className={styles['head']}>
        <div>
          <h2 id="network-title">Other devices in my network</h2>
          <p id="network-help">
            {isOn
              ? 'Whoever is in your network and has a key may use the models. Settings stay closed to them.'
              : 'Off: only programs on this machine reach Corral.'}
            {isAllowed ? '' : ' Cannot be changed over HTTP; use the desktop app or the file.'}
          </p>
        </div>
        <Switch.Root
          className={control['switch']}
          aria-labelledby="network-title"
          aria-describedby="network-help"
          checked={isOn || isAsking}
          disabled={!isAllowed}
          onCheckedChange={toggle}
        >
          <Switch.Thumb className={control['thumb']} />
        </Switch.Root>
      </div>
      {isAsking ? (
        <form
          className={styles['ask']}
          onSubmit={(event) => {
            event.preventDefault();
            if (name.trim() !== '') openWithKey();
          }}
        >
          <p>Other devices need a key, and there is none yet. Corral makes one; give it a name you will know it by.</p>
          <label htmlFor="network-key">Name of the key</label>
          <input
            id="network-key"
            className={control['short']}
            value={name}
            onChange={({ target }) => setName(target.value)}
          />
          <Button type="submit" kind="primary" disabled={name.trim() === ''}>
            Make a key and open
          </Button>
          <Button onClick={() => setIsAsking(false)}>Leave it off</Button>
        </form>
      ) : null}
      <NewKeys />
      {isOn ? (
        <Addresses
          addresses={settings.lanAddresses}
          port={typeof port === 'number' ? port : DEFAULT_PORT}
          isPending={isPending}
        />
      ) : null}
    </section>
  );
}

function Addresses({
  addresses,
  port,
  isPending,
}: {
  readonly addresses: readonly string[];
  readonly port: number;
  readonly isPending: boolean;
}) {
  const [first] = addresses;
  if (first === undefined) return <p>This machine has no address in a network now. Connect it, and look here again.</p>;
  return (
    <div className={styles['addresses']}>
      <QrCode text={lanUrl(first, port)} label={`The address ${lanUrl(first, port)} as a QR code`} />
      <div>
        <p>
          {isPending ? 'Once applied, chat programs' : 'Chat programs'} on other devices use this base address, with a
          key. The code holds the address and no key.
        </p>
        <ul>
          {addresses.map((address) => (
            <li key={address} className={styles['address']}>
              <code>{lanUrl(address, port)}</code>
              <CopyButton text={lanUrl(address, port)} label={`Copy ${lanUrl(address, port)}`} />
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}
