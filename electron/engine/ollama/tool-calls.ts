import type { ToolCallPiece } from './answer-pieces.ts';
import { isObject, type JsonObject } from './request-fields.ts';

/** Puts tool calls together whose arguments come in pieces. */
export interface ToolCallAssembler {
  /** The calls that are complete now: a call is once the next one begins. */
  add(pieces: readonly ToolCallPiece[]): readonly JsonObject[];
  /** What is left at the end. A call whose arguments were cut off is none. */
  end(): readonly JsonObject[];
}

export function createToolCallAssembler(): ToolCallAssembler {
  let open: ToolCallPiece | undefined;
  let count = 0;

  function close(): readonly JsonObject[] {
    const call = open;
    open = undefined;
    const given = call === undefined || call.name === '' ? undefined : parseArguments(call.arguments);
    if (call === undefined || given === undefined) return [];
    const index = count;
    count += 1;
    return [{ ...(call.id === '' ? {} : { id: call.id }), function: { index, name: call.name, arguments: given } }];
  }

  return {
    add: (pieces) =>
      pieces.flatMap((piece) => {
        const done = open === undefined || open.index === piece.index ? [] : close();
        open =
          open === undefined
            ? piece
            : {
                index: piece.index,
                id: open.id || piece.id,
                name: open.name || piece.name,
                arguments: open.arguments + piece.arguments,
              };
        return done;
      }),
    end: close,
  };
}

/** Ollama has arguments as an object, OpenAI as a text of one; a function without parameters may get none at all. */
function parseArguments(text: string): JsonObject | undefined {
  if (text.trim() === '') return {};
  try {
    const parsed: unknown = JSON.parse(text);
    return isObject(parsed) ? parsed : undefined;
  } catch {
    return undefined; // Cut off by the limit of tokens.
  }
}
