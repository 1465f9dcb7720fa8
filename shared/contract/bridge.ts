import type { CommandName, CommandRequest, CommandResponse } from './commands.ts';
import type { EventBody } from './events.ts';
import type { Snapshot } from './snapshot.ts';

/** What a subscriber is told: the state as it now is and, unless it was fetched anew, the event that led to it. */
export interface BridgeUpdate {
  readonly snapshot: Snapshot;
  readonly event: EventBody | undefined;
}

export interface BridgeListener {
  onUpdate(update: BridgeUpdate): void;
  /** The connection was lost and is being tried again; the last snapshot is stale until the next update. */
  onDisconnect(reason: string): void;
}

/** How a window, the tray or the CLI talks to the engine, whatever lies between. */
export interface Bridge {
  /** Rejects with an `AppError`, the engine's own or one about the transport. */
  call<Name extends CommandName>(
    name: Name,
    request: CommandRequest<Name>,
    signal?: AbortSignal,
  ): Promise<CommandResponse<Name>>;
  /** Delivers a full snapshot, then every change. Returns the function that ends it. */
  subscribe(listener: BridgeListener): () => void;
  /** Ends all subscriptions and calls. */
  close(): void;
}
