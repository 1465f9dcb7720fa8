import { app } from 'electron';

/** The `appId` of electron-builder.yml: Windows shows notifications only of programs it knows by their shortcut's id. */
const APP_ID = 'io.github.corral.desktop';

export function setAppIdentity(platform: NodeJS.Platform): void {
  if (platform === 'win32') app.setAppUserModelId(APP_ID);
}
