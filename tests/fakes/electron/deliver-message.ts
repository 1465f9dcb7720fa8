import { decodeClone } from './clone-codec.ts';
import { ipcMain, type IpcMainStandIn } from './ipc-main.ts';
import type { FromPage } from './page-messages.ts';
import type { WebFrameMainStandIn } from './web-frame-main.ts';

/** Hands what a frame has sent to who listens. Electron asks the frame first, then the contents, then `ipcMain`. */
export function deliverMessage(
  sender: { readonly ipc: IpcMainStandIn },
  frame: WebFrameMainStandIn,
  message: FromPage,
): void {
  const scopes = [frame.ipc, sender.ipc, ipcMain];
  const event = {
    sender,
    type: 'frame',
    frameId: frame.routingId,
    processId: frame.processId,
    ports: [],
    reply: (channel: string, ...values: unknown[]) => frame.send(channel, ...values),
    get senderFrame() {
      return frame.detached ? null : frame;
    },
  };
  const args = decodeClone(message.args) as unknown[];
  if (message.kind === 'send') {
    for (const scope of scopes) scope.emit(message.channel, event, ...args);
    return;
  }
  const { id, channel } = message;
  const handler = scopes.map((scope) => scope.takeHandler(channel)).find((each) => each !== undefined);
  const answer = async (): Promise<unknown> => {
    if (handler === undefined) throw new Error(`No handler registered for '${channel}'`);
    return await (handler as (event: unknown, ...args: unknown[]) => unknown)(event, ...args);
  };
  answer()
    .then((value) => frame.answer(id, { value }))
    .catch((thrown: unknown) =>
      frame.answer(id, { error: `Error invoking remote method '${channel}': ${String(thrown)}` }),
    );
}
