/** Whether Corral starts, without a window, when the user logs in. */
export interface Autostart {
  /** False for a copy that was not installed: what runs from source is not there to be started at login. */
  isSupported(): boolean;
  isOn(): boolean;
  /** Rejects with an `AppError` that says why it could not be changed. */
  set(isOn: boolean): Promise<void>;
  /** This run was begun by the login, so no window is to be shown. */
  wasStartedByLogin(): boolean;
}

/** The argument that a start at login has, where the platform passes one. */
export const HIDDEN_ARGUMENT = '--hidden';
