/** Takes server-sent events apart as they come (HTML standard, 9.2.6), for their data alone. */
export interface EventDataReader {
  /** The data of the events that are complete now. */
  read(bytes: Buffer): readonly string[];
}

export function createEventDataReader(): EventDataReader {
  // A character may be cut in two by the end of a chunk.
  const decoder = new TextDecoder();
  let rest = '';
  let data: string[] = [];
  return {
    read(bytes) {
      const lines = (rest + decoder.decode(bytes, { stream: true })).split(/\r\n|\n/);
      rest = lines.pop() ?? '';
      const complete: string[] = [];
      for (const line of lines) {
        if (line.startsWith('data:')) data.push(line.slice(line[5] === ' ' ? 6 : 5));
        else if (line === '' && data.length > 0) {
          complete.push(data.join('\n'));
          data = [];
        }
      }
      return complete;
    },
  };
}
