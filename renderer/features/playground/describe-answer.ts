import type { ModelView } from '#shared/contract/snapshot.ts';
import { formatDuration } from '#shared/model/units.ts';
import type { AnswerTurn, ChatFailure } from './conversation.ts';

/** What is said of an answer beside its text. Pure. */

/** `41 tok/s · first token after 0.8 s · 12 + 120 tokens`. What was counted here and not told by the server is marked. */
export function describeCost(turn: AnswerTurn): string {
  const { usage, sentAtMs, firstTokenAtMs } = turn;
  const speed = usage?.tokensPerSecond ?? ownSpeed(turn);
  const isOwn = usage?.tokensPerSecond === undefined;
  return [
    ...(speed === undefined ? [] : [`${isOwn ? '≈' : ''}${speed >= 10 ? Math.round(speed) : speed.toFixed(1)} tok/s`]),
    ...(firstTokenAtMs === undefined ? [] : [`first token after ${formatDuration(firstTokenAtMs - sentAtMs)}`]),
    ...describeTokens(turn),
  ].join(' · ');
}

function describeTokens({ usage, pieceCount }: AnswerTurn): string[] {
  if (usage?.answerTokens === undefined) return pieceCount === 0 ? [] : [`≈${countTokens(pieceCount)}`];
  if (usage.promptTokens === undefined) return [countTokens(usage.answerTokens)];
  return [`${usage.promptTokens} in, ${usage.answerTokens} out`];
}

/** Pieces after the first one over the time they took: the first one's time is that of the prompt. */
function ownSpeed({ pieceCount, firstTokenAtMs, lastTokenAtMs }: AnswerTurn): number | undefined {
  if (firstTokenAtMs === undefined || lastTokenAtMs === undefined || lastTokenAtMs <= firstTokenAtMs) return undefined;
  return ((pieceCount - 1) * 1000) / (lastTokenAtMs - firstTokenAtMs);
}

function countTokens(count: number): string {
  return `${count} ${count === 1 ? 'token' : 'tokens'}`;
}

/** Why nothing has come yet: what Corral told this very request, else what is seen of the model. */
export function describeWaiting(model: ModelView | undefined, comment: string | undefined): string {
  if (comment !== undefined && comment.startsWith('queued')) return comment;
  switch (model?.state) {
    case 'loading':
      return model.loadProgress === null ? 'loading' : `loading ${Math.round(model.loadProgress * 100)} %`;
    case 'starting':
      return model.detail ?? 'starting';
    case 'draining':
    case 'stopping':
      return 'waits until it has been unloaded';
    case 'ready':
      return comment ?? (model.waitingRequests > 0 ? `queued, ${model.waitingRequests} waiting` : 'reads the prompt');
    case 'off':
    case 'crashed':
    case 'failed':
    case undefined:
      return comment ?? 'waiting';
  }
}

export type WayOn = 'retry' | 'logs' | 'other-model' | 'key' | 'reset' | 'catalog' | 'shorten';

/** What may help after a failure, best first. */
export function waysOn({ status, code }: ChatFailure): readonly WayOn[] {
  if (status === 401) return ['key'];
  switch (code) {
    case 'model_not_found':
      return ['other-model'];
    case 'start_failed':
      return ['retry', 'logs', 'other-model'];
    case 'model_failed':
      return ['reset', 'logs', 'other-model'];
    case 'engine_missing':
      return ['catalog', 'retry'];
    case 'too_large':
    case 'exceed_context_size_error':
    case 'context_length_exceeded':
      return ['shorten'];
    default:
      return status === 400 ? ['other-model'] : ['retry', 'other-model'];
  }
}

/** Why this model will not chat; undefined if it may. */
export function chatObstacle(
  kind: string | undefined,
  flags: { embeddings: boolean; rerank: boolean },
): string | undefined {
  if (flags.rerank || kind === 'rerank') return 'It ranks documents (POST /v1/rerank) and does not chat.';
  if (flags.embeddings || kind === 'embedding') return 'It makes embeddings (POST /v1/embeddings) and does not chat.';
  return undefined;
}
