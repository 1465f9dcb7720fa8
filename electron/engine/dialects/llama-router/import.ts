import path from 'node:path';
import type { ForeignFormat } from '../foreign-format.ts';
import { findProgram } from './find-program.ts';
import { importRouterFile, programsOf, type ProgramPlace } from './import-llama-router.ts';

export const llamaRouterFormat: ForeignFormat = {
  name: 'llama-router',
  mark: 'models as a list (llama-router)',
  detect: ({ value }) => {
    const file = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
    return Array.isArray(file['models']) || 'default_spawn' in file;
  },
  async read({ value: written, syntaxErrors }, { env, homeFolder, platform }) {
    if (syntaxErrors.length > 0) return { ok: false, errors: syntaxErrors };
    const value = written ?? {};
    const programs = new Map<string, ProgramPlace>();
    const besideFolders = [process.argv[1], process.execPath].flatMap((file) =>
      file === undefined ? [] : [path.dirname(file)],
    );
    const searchPath = env['PATH'] ?? env['Path'] ?? '';
    for (const program of programsOf(value)) {
      const place = await findProgram(program, { besideFolders, searchPath, platform });
      if (place !== undefined) programs.set(program, place);
    }
    return importRouterFile(value, { homeFolder, isWindows: platform === 'win32', programs });
  },
};
