/** What the places of Corral's files depend on. */
export interface FolderContext {
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly homeFolder: string;
  /** The system's folder for temporary files. */
  readonly tempFolder: string;
  /** The user's number; undefined on Windows. */
  readonly uid: number | undefined;
}

/** The longest path of a socket, in bytes, that every system takes (macOS: 103 and a NUL), with some room left. */
export const MAX_SOCKET_PATH_BYTES = 100;

/** The longest name `socketPath` gives a socket. */
export const MAX_SOCKET_NAME_BYTES = 40;
