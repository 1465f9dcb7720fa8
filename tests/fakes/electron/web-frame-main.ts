import { EventEmitter } from 'node:events';
import type { WebFrameMain } from 'electron';
import { encodeClone } from './clone-codec.ts';
import { IpcMainStandIn } from './ipc-main.ts';
import { toAppUrl } from './scheme-server.ts';
import type { ToPage } from './page-messages.ts';

/** How a frame reaches its document. */
export interface FrameConnection {
  post(frameId: string, message: ToPage): void;
  evaluate(frameId: string, code: string): Promise<unknown>;
}

/** Checked against Electron's declarations. */
type DeclaredNames =
  | 'url'
  | 'origin'
  | 'name'
  | 'detached'
  | 'frameToken'
  | 'frameTreeNodeId'
  | 'processId'
  | 'routingId'
  | 'isDestroyed'
  | 'send'
  | 'executeJavaScript';

let lastTreeNodeId = 0;

/** One frame of a page, the same object for as long as the frame lives. */
export class WebFrameMainStandIn extends EventEmitter implements Pick<WebFrameMain, DeclaredNames> {
  readonly ipc = new IpcMainStandIn();
  readonly frames: WebFrameMainStandIn[] = [];
  readonly frameTreeNodeId = (lastTreeNodeId += 1);
  readonly processId = 1;
  readonly routingId = this.frameTreeNodeId;
  readonly frameToken: string;
  readonly parent: WebFrameMainStandIn | null;
  name = '';
  detached = false;
  readonly #connection: FrameConnection;
  #pageUrl = '';

  constructor(frameId: string, parent: WebFrameMainStandIn | null, connection: FrameConnection) {
    super();
    this.frameToken = frameId;
    this.parent = parent;
    this.#connection = connection;
    parent?.frames.push(this);
  }

  get url(): string {
    return toAppUrl(this.#pageUrl);
  }

  get origin(): string {
    const { protocol, host, origin } = new URL(URL.canParse(this.url) ? this.url : 'about:blank');
    return origin === 'null' && host !== '' ? `${protocol}//${host}` : origin;
  }

  get top(): WebFrameMainStandIn {
    return this.parent?.top ?? this;
  }

  get framesInSubtree(): WebFrameMainStandIn[] {
    return [this, ...this.frames.flatMap((frame) => frame.framesInSubtree)];
  }

  isDestroyed(): boolean {
    return this.detached;
  }

  send(channel: string, ...args: unknown[]): void {
    this.#connection.post(this.frameToken, { kind: 'message', channel, args: encodeClone(args) });
  }

  executeJavaScript(code: string): Promise<unknown> {
    return this.#connection.evaluate(this.frameToken, code);
  }

  /** What follows is for the page that the frame is in. */

  answer(id: number, outcome: { readonly value: unknown } | { readonly error: string }): void {
    const answer = 'value' in outcome ? { value: encodeClone(outcome.value) } : { value: '', error: outcome.error };
    this.#connection.post(this.frameToken, { kind: 'answer', id, ...answer });
  }

  setLocation(pageUrl: string, name: string): void {
    this.#pageUrl = pageUrl;
    this.name = name;
  }

  detach(): void {
    this.detached = true;
    for (const frame of this.frames) frame.detach();
    this.frames.length = 0;
    const siblings = this.parent?.frames ?? [];
    if (siblings.includes(this)) siblings.splice(siblings.indexOf(this), 1);
  }
}
