import type { Translate } from '../proxy/translation.ts';
import { translateChat } from './chat-request.ts';
import { translateEmbed, translateEmbeddings } from './embed-request.ts';
import { translateGenerate } from './generate-request.ts';

/** Ollama's routes that a model answers, each with its translation. */
export const ollamaTranslations: Readonly<Record<string, Translate>> = {
  '/api/chat': translateChat,
  '/api/generate': translateGenerate,
  '/api/embed': translateEmbed,
  '/api/embeddings': translateEmbeddings,
};
