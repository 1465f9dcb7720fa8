import { create } from 'zustand';
import {
  beforeAnswer,
  chatRequestBody,
  isRunning,
  takeLastUserTurn,
  type AnswerTurn,
  type ChatImage,
  type ChatSettings,
  type Turn,
  type UserTurn,
} from './conversation.ts';
import { addPiece, breakOff, fail, stop, type StreamPiece } from './read-answer.ts';
import { ChatError, sendChat } from './send-chat.ts';

/** The conversation. It lives outside of the page, so that it stays when another page is opened; a reload ends it. */
export interface PlaygroundState {
  readonly turns: readonly Turn[];
  readonly draft: { readonly text: string; readonly images: readonly ChatImage[] };
  readonly settings: ChatSettings;
  readonly apiKey: string | undefined;
}

const KEY_NAME = 'corral-playground-key';
const emptyDraft = { text: '', images: [] } as const;

export const usePlaygroundStore = create<PlaygroundState>(() => ({
  turns: [],
  draft: emptyDraft,
  settings: { systemPrompt: '', temperature: '', topP: '', maxTokens: '' },
  apiKey: sessionStorage.getItem(KEY_NAME) ?? undefined,
}));

let lastId = 0;
let running: AbortController | undefined;

function nextId(): number {
  lastId += 1;
  return lastId;
}

export function setDraft(draft: Partial<PlaygroundState['draft']>): void {
  usePlaygroundStore.setState((state) => ({ draft: { ...state.draft, ...draft } }));
}

export function setChatSettings(settings: Partial<ChatSettings>): void {
  usePlaygroundStore.setState((state) => ({ settings: { ...state.settings, ...settings } }));
}

/** For this tab only. */
export function keepApiKey(key: string): void {
  const trimmed = key.trim();
  if (trimmed === '') sessionStorage.removeItem(KEY_NAME);
  else sessionStorage.setItem(KEY_NAME, trimmed);
  usePlaygroundStore.setState({ apiKey: trimmed === '' ? undefined : trimmed });
}

/** Sends what is in the draft. */
export function sendDraft(model: string): void {
  const { draft, turns } = usePlaygroundStore.getState();
  if ((draft.text.trim() === '' && draft.images.length === 0) || isRunning(turns.at(-1))) return;
  const turn: UserTurn = { id: nextId(), role: 'user', text: draft.text, images: draft.images };
  usePlaygroundStore.setState({ draft: emptyDraft });
  void answer(model, [...turns, turn]);
}

/** Makes an answer anew; what came after it leaves. */
export function regenerate(model: string, answerId: number): void {
  stopAnswer();
  void answer(model, beforeAnswer(usePlaygroundStore.getState().turns, answerId));
}

/** Puts the last message back into the draft, to be changed and sent again. */
export function editLast(): void {
  const taken = takeLastUserTurn(usePlaygroundStore.getState().turns);
  if (taken === undefined) return;
  stopAnswer();
  const { text, images } = taken.turn;
  usePlaygroundStore.setState({ turns: taken.before, draft: { text, images } });
}

export function clearConversation(): void {
  stopAnswer();
  usePlaygroundStore.setState({ turns: [] });
}

export function stopAnswer(): void {
  running?.abort();
  running = undefined;
}

async function answer(model: string, turns: readonly Turn[]): Promise<void> {
  const { settings, apiKey } = usePlaygroundStore.getState();
  const stopping = new AbortController();
  running = stopping;
  const first: AnswerTurn = {
    id: nextId(),
    role: 'assistant',
    model,
    text: '',
    reasoning: '',
    status: { type: 'waiting', comment: undefined },
    sentAtMs: performance.now(),
    firstTokenAtMs: undefined,
    lastTokenAtMs: undefined,
    pieceCount: 0,
    usage: undefined,
  };
  usePlaygroundStore.setState({ turns: [...turns, first] });
  const gathered = gatherPieces(first.id);
  try {
    const body = chatRequestBody(model, turns, settings);
    for await (const piece of sendChat(body, { key: apiKey, signal: stopping.signal })) gathered.add(piece);
    gathered.end(breakOff);
  } catch (thrown) {
    gathered.end((turn) => {
      if (stopping.signal.aborted) return stop(turn);
      if (thrown instanceof ChatError) return fail(turn, thrown.failure);
      return breakOff(turn);
    });
  } finally {
    if (running === stopping) running = undefined;
  }
}

/** Changes the turn once a frame at most, however many tokens come; a hidden window gets no frames, and has a timer. */
function gatherPieces(id: number) {
  const MAX_DELAY_MS = 250;
  let pieces: StreamPiece[] = [];
  let frame: number | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function flush(finish: (turn: AnswerTurn) => AnswerTurn = (turn) => turn): void {
    if (frame !== undefined) cancelAnimationFrame(frame);
    clearTimeout(timer);
    frame = undefined;
    timer = undefined;
    const taken = pieces;
    pieces = [];
    usePlaygroundStore.setState(({ turns }) => ({
      turns: turns.map((turn) =>
        turn.id === id && turn.role === 'assistant' ? finish(taken.reduce(addPiece, turn)) : turn,
      ),
    }));
  }

  return {
    add(piece: StreamPiece): void {
      pieces.push(piece);
      frame ??= requestAnimationFrame(() => flush());
      timer ??= setTimeout(flush, MAX_DELAY_MS);
    },
    end: flush,
  };
}
