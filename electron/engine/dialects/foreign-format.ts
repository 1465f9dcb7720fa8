import type { ConfigIssue } from '../config/config-issue.ts';
import type { ForeignFormatName } from './dialect-names.ts';

/** A configuration file that is not in Corral's own format, or may not be. */
export interface ForeignSource {
  /** Absolute. */
  readonly fileName: string;
  readonly text: string;
  /** The text as YAML 1.2 (and so JSON); undefined if it is neither. */
  readonly value: unknown;
  /** Why it is neither. */
  readonly syntaxErrors: readonly ConfigIssue[];
}

export interface ForeignSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly homeFolder: string;
  readonly platform: NodeJS.Platform;
}

/** What became of a key of the file. */
export interface ImportEntry {
  /** As `formatPath` writes it; one for a group of keys covers all below it. */
  readonly path: string;
  readonly outcome: 'mapped' | 'approximated' | 'dropped';
  /** What it became, how it differs, or why it has no counterpart. */
  readonly note: string;
  /** The native key it became, so that what is wrong with that one is told of this one. */
  readonly to?: string;
}

export type ForeignResult =
  | {
      readonly ok: true;
      /**
       * The value of a native configuration that does the same, `listeners` included, the program's own address first. It is
       * read as if it stood in a file: a `${` that is meant as it is must be written `$${`. Without a `server.port` the
       * native address takes a free one.
       */
      readonly native: Readonly<Record<string, unknown>>;
      /** The file as its own program understands it, defaults filled in. */
      readonly document: unknown;
      readonly report: readonly ImportEntry[];
      /** What whoever serves the file should know beyond what was dropped. */
      readonly warnings?: readonly ConfigIssue[];
    }
  | {
      readonly ok: false;
      readonly errors: readonly ConfigIssue[];
      /** How the program itself says it, where that is known; several lines are fine. */
      readonly say?: string;
    };

/** Reads another program's configuration. */
export interface ForeignFormat {
  readonly name: ForeignFormatName;
  /** What tells its files, for those that are in no known format: `models.*.modelFilePath (llama_cpp_router)`. */
  readonly mark: string;
  detect(source: ForeignSource): boolean;
  /** Never throws for what the file holds. */
  read(source: ForeignSource, surroundings: ForeignSurroundings): ForeignResult | Promise<ForeignResult>;
  /** What else the program insists on before it serves the file, such as that other files exist; an import does not ask. */
  check?(source: ForeignSource, surroundings: ForeignSurroundings): Promise<readonly ConfigIssue[]>;
}
