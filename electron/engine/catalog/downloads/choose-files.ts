import { AppError } from '#shared/contract/errors.ts';
import { parseSplitName } from '../gguf-split.ts';
import type { PullSource } from './pull-source.ts';
import { isUnquantized, preferredQuants, quantOf } from './quant-names.ts';

/** A file in a repository. */
export interface RepoFile {
  /** With `/`; safe to be used below a folder. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly digest: FileDigest;
}

export interface FileDigest {
  /** `git-sha1` is how git names the content of small files. */
  readonly algorithm: 'sha256' | 'git-sha1';
  readonly hex: string;
}

export interface ChosenFiles {
  /** All parts, in order. */
  readonly model: readonly RepoFile[];
  readonly mmproj: RepoFile | undefined;
  readonly quant: string | undefined;
}

interface Candidate {
  readonly parts: readonly RepoFile[];
  readonly quant: string | undefined;
  readonly sizeBytes: number;
}

/** Beside its weights a model needs room for its context; as a rule of thumb for a choice, not for a load. */
const CONTEXT_SHARE = 1.15;
const MAX_LISTED = 20;

/**
 * Which files of a repository are meant: the file or quantization that was named, else the best that fits into
 * `freeMemoryBytes`, else Q4_K_M or what is nearest to it; all parts of a split file, and the projector that belongs to it.
 * Throws `not-found` with what there is. Pure.
 */
export function chooseFiles(
  { repo, quant, file }: PullSource,
  files: readonly RepoFile[],
  freeMemoryBytes: number | undefined,
): ChosenFiles {
  const ggufs = files.filter(({ path }) => /\.gguf$/i.test(path));
  const candidates = findCandidates(ggufs.filter(({ path }) => !isPart(path)));
  if (file !== undefined) return { ...chooseNamed(repo, file, ggufs, candidates), mmproj: undefined };
  const [first] = candidates;
  if (first === undefined) {
    throw new AppError(
      'not-found',
      `The repository ${repo} has no whole GGUF file. Look for one whose name ends in -GGUF.`,
      { details: { repo } },
    );
  }
  const chosen = quant === undefined ? chooseDefault(candidates, freeMemoryBytes) : findQuant(candidates, quant);
  if (chosen === undefined) {
    throw new AppError(
      'not-found',
      `The repository ${repo} has no file with the quantization ${quant ?? ''}. It has: ${listQuants(candidates)}.`,
      { details: { repo } },
    );
  }
  const mmproj = chooseProjector(
    chosen,
    ggufs.filter(({ path }) => isProjector(path)),
  );
  return { model: chosen.parts, mmproj, quant: chosen.quant };
}

/** Files that are no models of their own. */
function isPart(path: string): boolean {
  return isProjector(path) || /imatrix/i.test(baseName(path));
}

function isProjector(path: string): boolean {
  return /mmproj/i.test(baseName(path));
}

/** Split files count only with all their parts. */
function findCandidates(files: readonly RepoFile[]): Candidate[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  return files.flatMap((file) => {
    const split = parseSplitName(file.path);
    if (split === undefined) return [candidate([file])];
    if (split.part !== 1) return [];
    const parts = split.paths.map((path) => byPath.get(path));
    return parts.every((part) => part !== undefined) ? [candidate(parts)] : [];
  });
}

function candidate(parts: readonly RepoFile[]): Candidate {
  return {
    parts,
    quant: quantOf(parts[0]?.path.replace(/-\d{5}-of-\d{5}(?=\.gguf$)/, '') ?? ''),
    sizeBytes: parts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  };
}

function chooseNamed(
  repo: string,
  file: string,
  ggufs: readonly RepoFile[],
  candidates: readonly Candidate[],
): Omit<ChosenFiles, 'mmproj'> {
  const isMeant = (path: string): boolean => path === file || baseName(path) === file;
  const whole = candidates.find(({ parts }) => parts.some(({ path }) => isMeant(path)));
  if (whole !== undefined) return { model: whole.parts, quant: whole.quant };
  const single = ggufs.find(({ path }) => isMeant(path));
  if (single === undefined) {
    const there = ggufs.slice(0, MAX_LISTED).map(({ path }) => path);
    const list = there.length === 0 ? 'It has no GGUF files' : `It has: ${there.join(', ')}`;
    throw new AppError('not-found', `The repository ${repo} has no file ${file}. ${list}.`, { details: { repo } });
  }
  if (parseSplitName(single.path) !== undefined) {
    throw new AppError('not-found', `The repository ${repo} lacks parts of the split file ${single.path}.`, {
      details: { repo },
    });
  }
  return { model: [single], quant: quantOf(single.path) };
}

function findQuant(candidates: readonly Candidate[], wanted: string): Candidate | undefined {
  const label = wanted.toUpperCase();
  return (
    candidates.find(({ quant }) => quant === label) ??
    candidates.find(({ quant }) => quant === `UD-${label}`) ??
    // What is no quantization we know may still be a part of the name, as llama.cpp takes it.
    candidates.find(({ parts }) =>
      new RegExp(`${escapePattern(label)}[.-]`).test(baseName(parts[0]?.path ?? '').toUpperCase()),
    )
  );
}

function chooseDefault(candidates: readonly Candidate[], freeMemoryBytes: number | undefined): Candidate | undefined {
  const quantized = candidates.filter(({ quant }) => !isUnquantized(quant));
  const open = quantized.length > 0 ? quantized : candidates;
  const bySize = [...open].sort((a, b) => a.sizeBytes - b.sizeBytes);
  if (freeMemoryBytes !== undefined) {
    return bySize.filter(({ sizeBytes }) => sizeBytes * CONTEXT_SHARE <= freeMemoryBytes).at(-1) ?? bySize[0];
  }
  for (const label of preferredQuants) {
    const found = open.find(({ quant }) => quant === label);
    if (found !== undefined) return found;
  }
  return bySize[0];
}

const projectorOrder = ['BF16', 'F16', 'F32'];

/** In the model's own folder if there is one, else in that of the repository; bf16 before f16 before f32. */
function chooseProjector(model: Candidate, projectors: readonly RepoFile[]): RepoFile | undefined {
  const folder = folderOf(model.parts[0]?.path ?? '');
  const near = projectors.filter(({ path }) => folderOf(path) === folder);
  const open = near.length > 0 ? near : projectors.filter(({ path }) => folderOf(path) === '');
  const rank = ({ path }: RepoFile): number => {
    const at = projectorOrder.indexOf(quantOf(path) ?? '');
    return at === -1 ? projectorOrder.length : at;
  };
  return [...open].sort((a, b) => rank(a) - rank(b))[0];
}

function listQuants(candidates: readonly Candidate[]): string {
  const names = candidates.map(({ quant, parts }) => quant ?? baseName(parts[0]?.path ?? ''));
  const listed = [...new Set(names)].slice(0, MAX_LISTED).join(', ');
  return names.length > MAX_LISTED ? `${listed}, …` : listed;
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
