/** How a platform finds executables; one implementation a platform. Pure except for `canExecute`. */
export interface ExecutableLookup {
  isAbsolute(candidate: string): boolean;
  /** Paths at which llama-server may lie in a folder, best first. */
  candidatesIn(folder: string): readonly string[];
  /** The absolute folders of a PATH string, in order; relative and empty entries would depend on where Corral was started. */
  foldersOf(searchPath: string): readonly string[];
  /** Whether `file` is an ordinary file this account may run. False as well if it does not exist. */
  canExecute(file: string): Promise<boolean>;
}
