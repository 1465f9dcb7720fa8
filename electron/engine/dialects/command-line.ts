import type { ForeignFormatName, SeedName } from './dialect-names.ts';

/** What a command line of another program depends on besides its words. */
export interface CommandLineContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly homeFolder: string;
  readonly platform: NodeJS.Platform;
  /** Absolute. */
  readonly workFolder: string;
}

/** What a step of such a program may use. */
export interface StepTools extends CommandLineContext {
  /** Corral's data folder; it may not exist yet. */
  readonly dataFolder: string;
  /** Corral's own. */
  readonly version: string;
  readonly signal: AbortSignal;
  /** A line on standard output. */
  print(line: string): void;
  /** A line on standard error. */
  printError(line: string): void;
}

export type SeedAction =
  | {
      readonly kind: 'serve';
      /** Absolute. */
      readonly configFile: string;
      readonly format: ForeignFormatName;
      /** Stand above what the file says. */
      readonly host?: string;
      readonly port?: number;
      /** Done first, such as writing the configuration of a first run. What it throws ends the program with exit code 1. */
      prepare?(tools: StepTools): Promise<void>;
    }
  | {
      readonly kind: 'step';
      /** Something that ends by itself, such as a download. Returns the exit code. */
      run(tools: StepTools): Promise<number>;
    }
  | {
      readonly kind: 'exit';
      readonly exitCode: number;
      readonly stdout?: string;
      readonly stderr?: string;
    };

/** The command line of a program, understood to the letter. */
export interface SeedCommandLine {
  readonly seed: SeedName;
  /** `args` are what follows the program's name. Pure. */
  parse(args: readonly string[], context: CommandLineContext): SeedAction;
}
