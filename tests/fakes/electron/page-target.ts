import { WebFrameMainStandIn, type FrameConnection } from './web-frame-main.ts';
import type { FromPage, ToPage } from './page-messages.ts';
import type { ProtocolEvent, ProtocolPipe } from './protocol-pipe.ts';

/** What happens in a page of Chromium, in terms of the page. Addresses are the browser's. */
export interface PageListener {
  onMessage(frame: WebFrameMainStandIn, message: FromPage): void;
  /** Whether a document may be asked for. */
  mayNavigate(frame: WebFrameMainStandIn, pageUrl: string): boolean;
  onWindowOpen(pageUrl: string, frameName: string, features: string): void;
  onStartNavigation(frame: WebFrameMainStandIn, pageUrl: string, isSameDocument: boolean): void;
  onNavigated(frame: WebFrameMainStandIn, isSameDocument: boolean): void;
  onDomReady(): void;
  onLoad(): void;
  /** Loaded, failed or refused: the main frame waits for nothing more. */
  onStopLoading(): void;
  onCrash(): void;
  onClosed(): void;
}

export interface PageTarget {
  readonly mainFrame: WebFrameMainStandIn;
  send(method: string, params?: Record<string, unknown>): Promise<Record<string, unknown>>;
  close(): Promise<void>;
}

export interface PageTargetOptions {
  readonly pipe: ProtocolPipe;
  readonly targetId: string;
  readonly sessionId: string;
  /** The name of the function that pages hand texts on by, and of the one that takes texts. */
  readonly binding: string;
  readonly receiver: string;
  readonly preloadScript: string;
  readonly listener: PageListener;
}

interface Frame {
  readonly id: string;
  readonly url: string;
  readonly name?: string;
  readonly parentId?: string;
}

/** Follows a page over the DevTools protocol: its frames, documents, messages and ends. */
export async function openPageTarget(options: PageTargetOptions): Promise<PageTarget> {
  const { pipe, targetId, sessionId, binding, receiver, listener } = options;
  const frames = new Map<string, WebFrameMainStandIn>();
  /** The newest document of each frame: the session it is in, and its context. */
  const documents = new Map<string, { session: string; contextId: number }>();
  const frameOfContext = new Map<string, string>();
  const sessions = new Set([sessionId]);
  const ignoreGone = (): undefined => undefined;

  const evaluateIn = async (frameId: string, expression: string): Promise<Record<string, unknown>> => {
    const document = documents.get(frameId);
    if (document === undefined) throw new Error('The frame has no document.');
    const params = { expression, contextId: document.contextId, awaitPromise: true, returnByValue: true };
    return await pipe.send('Runtime.evaluate', params, document.session);
  };
  const connection: FrameConnection = {
    post(frameId: string, message: ToPage) {
      const text = JSON.stringify(JSON.stringify(message));
      // A document without a preload script, or one that is gone, hears nothing: as in Electron.
      evaluateIn(frameId, `globalThis[${JSON.stringify(receiver)}]?.(${text})`).catch(ignoreGone);
    },
    async evaluate(frameId, code) {
      const answer = await evaluateIn(frameId, code);
      const failure = answer['exceptionDetails'] as { exception?: { description?: string } } | undefined;
      if (failure !== undefined) throw new Error(failure.exception?.description ?? 'The script failed.');
      return (answer['result'] as { value?: unknown }).value;
    },
  };
  const mainFrame = new WebFrameMainStandIn(targetId, null, connection);
  frames.set(targetId, mainFrame);

  function ensureFrame(frameId: string, parentId: string | undefined): WebFrameMainStandIn {
    const known = frames.get(frameId);
    if (known !== undefined) return known;
    const frame = new WebFrameMainStandIn(frameId, frames.get(parentId ?? '') ?? mainFrame, connection);
    frames.set(frameId, frame);
    return frame;
  }

  function forgetFrame(frameId: string): void {
    const frame = frames.get(frameId);
    if (frame === undefined || frame === mainFrame) return;
    for (const each of frame.framesInSubtree) {
      frames.delete(each.frameToken);
      documents.delete(each.frameToken);
    }
    frame.detach();
  }

  async function prepareSession(session: string): Promise<void> {
    const send = (method: string, params: Record<string, unknown> = {}) => pipe.send(method, params, session);
    await Promise.all([
      send('Page.enable'),
      send('Runtime.enable'),
      send('Runtime.addBinding', { name: binding }),
      send('Fetch.enable', { patterns: [{ urlPattern: '*', resourceType: 'Document', requestStage: 'Request' }] }),
      send('Target.setAutoAttach', { autoAttach: true, waitForDebuggerOnStart: true, flatten: true }),
    ]);
  }

  function admitDocument(event: ProtocolEvent): void {
    const { requestId, frameId, request } = event.params as {
      requestId: string;
      frameId: string;
      request: { url: string };
    };
    const frame = frames.get(frameId) ?? mainFrame;
    const isAdmitted = listener.mayNavigate(frame, request.url);
    pipe
      .send(
        isAdmitted ? 'Fetch.continueRequest' : 'Fetch.failRequest',
        isAdmitted ? { requestId } : { requestId, errorReason: 'Aborted' },
        event.sessionId,
      )
      .catch(ignoreGone);
  }

  const handlers: Readonly<Record<string, (event: ProtocolEvent) => void>> = {
    'Target.attachedToTarget': ({ params }) => {
      // A frame of another site, or a worker.
      const child = params['sessionId'] as string;
      sessions.add(child);
      prepareSession(child)
        .catch(ignoreGone)
        .then(() => pipe.send('Runtime.runIfWaitingForDebugger', {}, child))
        .catch(ignoreGone);
    },
    'Target.detachedFromTarget': ({ params }) => void sessions.delete(params['sessionId'] as string),
    'Runtime.executionContextCreated': ({ params, sessionId: session = '' }) => {
      const { id, auxData } = params['context'] as { id: number; auxData?: { frameId?: string; isDefault?: boolean } };
      if (auxData?.frameId === undefined) return;
      frameOfContext.set(`${session}:${id}`, auxData.frameId);
      if (auxData.isDefault === true) documents.set(auxData.frameId, { session, contextId: id });
    },
    'Runtime.executionContextDestroyed': ({ params, sessionId: session = '' }) => {
      const contextId = params['executionContextId'] as number;
      const frameId = frameOfContext.get(`${session}:${contextId}`) ?? '';
      frameOfContext.delete(`${session}:${contextId}`);
      if (documents.get(frameId)?.contextId === contextId) documents.delete(frameId);
    },
    'Runtime.executionContextsCleared': ({ sessionId: session = '' }) => {
      for (const [frameId, document] of documents) if (document.session === session) documents.delete(frameId);
      for (const key of frameOfContext.keys()) if (key.startsWith(`${session}:`)) frameOfContext.delete(key);
    },
    'Runtime.bindingCalled': ({ params, sessionId: session = '' }) => {
      if (params['name'] !== binding) return;
      const frameId = frameOfContext.get(`${session}:${String(params['executionContextId'])}`);
      const frame = frameId === undefined ? undefined : frames.get(frameId);
      if (frame !== undefined) listener.onMessage(frame, JSON.parse(params['payload'] as string) as FromPage);
    },
    'Page.frameAttached': ({ params }) =>
      void ensureFrame(params['frameId'] as string, params['parentFrameId'] as string),
    'Page.frameDetached': ({ params }) => {
      if (params['reason'] !== 'swap') forgetFrame(params['frameId'] as string);
    },
    'Page.frameStartedNavigating': ({ params }) => {
      const frame = frames.get(params['frameId'] as string);
      const isSameDocument = params['navigationType'] === 'sameDocument';
      if (frame !== undefined) listener.onStartNavigation(frame, params['url'] as string, isSameDocument);
    },
    'Page.frameNavigated': ({ params }) => {
      const { id, url, name = '', parentId } = params['frame'] as Frame & { urlFragment?: string };
      const frame = ensureFrame(id, parentId);
      for (const child of [...frame.frames]) forgetFrame(child.frameToken);
      frame.setLocation(`${url}${(params['frame'] as { urlFragment?: string }).urlFragment ?? ''}`, name);
      listener.onNavigated(frame, false);
    },
    'Page.navigatedWithinDocument': ({ params }) => {
      const frame = frames.get(params['frameId'] as string);
      if (frame === undefined) return;
      frame.setLocation(params['url'] as string, frame.name);
      listener.onNavigated(frame, true);
    },
    'Page.windowOpen': ({ params }) =>
      listener.onWindowOpen(
        params['url'] as string,
        params['windowName'] as string,
        (params['windowFeatures'] as string[]).join(','),
      ),
    'Page.domContentEventFired': ({ sessionId: session }) => {
      if (session === sessionId) listener.onDomReady();
    },
    'Page.loadEventFired': ({ sessionId: session }) => {
      if (session === sessionId) listener.onLoad();
    },
    'Page.frameStoppedLoading': ({ params }) => {
      if (params['frameId'] === targetId) listener.onStopLoading();
    },
    'Inspector.targetCrashed': ({ sessionId: session }) => {
      if (session === sessionId) listener.onCrash();
    },
    'Fetch.requestPaused': admitDocument,
  };

  const stopListening = pipe.onEvent((event) => {
    const { method, params } = event;
    if (event.sessionId === undefined) {
      if (method !== 'Target.targetDestroyed' || params['targetId'] !== targetId) return;
      stopListening();
      mainFrame.detach();
      listener.onClosed();
    } else if (sessions.has(event.sessionId)) handlers[method]?.(event);
  });

  await prepareSession(sessionId);
  await pipe.send('Inspector.enable', {}, sessionId);
  await pipe.send('Emulation.setFocusEmulationEnabled', { enabled: true }, sessionId);
  await pipe.send('Runtime.runIfWaitingForDebugger', {}, sessionId);
  // Only now: the empty document that every page begins with has no preload script.
  await pipe.send('Page.addScriptToEvaluateOnNewDocument', { source: options.preloadScript }, sessionId);

  return {
    mainFrame,
    send: (method, params = {}) => pipe.send(method, params, sessionId),
    async close() {
      await pipe.send('Target.closeTarget', { targetId }).catch(ignoreGone);
    },
  };
}
