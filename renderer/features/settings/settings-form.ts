import type { SettingIssue, SettingsView } from '#shared/contract/settings.ts';
import {
  applyEdits,
  isEdited,
  isEditedWithin,
  valueAt,
  type Edits,
  type SettingValue,
  type SettingValues,
} from './edits.ts';
import { groupsOf, modelGroups, sections, type FieldSpec, type SectionId } from './field-table.ts';
import { describeDefault } from './field-text.ts';
import { concerns, formatPath, isInactive, pathKey, type SettingPath } from './setting-path.ts';
import { isOpenSetting } from '../../store/open-settings.ts';
import { holdsMask, isSecret, schemaEntry, type FieldKind } from './settings-schema.ts';

export interface SettingField {
  readonly path: SettingPath;
  readonly key: string;
  readonly pathText: string;
  readonly label: string;
  readonly help: string;
  readonly kind: FieldKind;
  /** With the pending edits; undefined where the default holds. Of a secret only what was typed now. */
  readonly value: SettingValue | undefined;
  /** There is a secret, which is not shown; or where it is kept (`${env.NAME}`). */
  readonly hiddenText: string | undefined;
  /** What holds while nothing is set. */
  readonly defaultValue: SettingValue | undefined;
  readonly placeholder: string;
  readonly isChanged: boolean;
  /** Why it cannot be changed here; undefined if it can. */
  readonly readOnlyReason: string | undefined;
  /** This version does not act on it yet. */
  readonly isInactive: boolean;
  readonly issues: readonly string[];
}

/** All that a field is made of. Pure. */
export interface FormContext {
  readonly settings: SettingsView;
  readonly values: SettingValues;
  readonly edits: Edits;
  /** The values with the edits. */
  readonly edited: SettingValues;
  readonly issues: readonly SettingIssue[];
}

const READ_ONLY = 'Cannot be changed over HTTP. Change it in the file, or use the desktop app.';

const MIXED = 'Holds a secret that is not shown here. Change it in the file.';

export function createFormContext(settings: SettingsView, edits: Edits, issues: readonly SettingIssue[]): FormContext {
  const values = (settings.values ?? {}) as SettingValues;
  return { settings, values, edits, edited: applyEdits(values, edits), issues };
}

/** Undefined for what is no setting of the running version. */
export function describeField(context: FormContext, { path, label }: FieldSpec): SettingField | undefined {
  const { settings, values, edits, edited, issues } = context;
  const entry = schemaEntry(settings.schema, path);
  if (entry === undefined) return undefined;
  const isHidden = isSecret(path);
  const inherited = inheritedValue(edited, settings, path);
  const defaultValue = inherited ?? entry.defaultValue;
  return {
    path,
    key: pathKey(path),
    pathText: formatPath(path),
    label,
    help: entry.description,
    kind: entry.kind,
    value: isHidden && !isEdited(edits, path) ? undefined : valueAt(edited, path),
    hiddenText: isHidden && valueAt(edited, path) !== undefined ? hiddenText(valueAt(values, path)) : undefined,
    defaultValue,
    placeholder: describeDefault(entry.kind, defaultValue, inherited === undefined ? 'default' : 'from Defaults'),
    isChanged: isEditedWithin(edits, path),
    readOnlyReason: readOnlyReason(context, path, entry.kind),
    isInactive: isInactive(path, settings.inactivePaths),
    issues: issues.filter(({ path: issuePath }) => concerns(issuePath, path)).map(({ message }) => message),
  };
}

/** A map is changed entry by entry, so what counts is whether its entries may be. */
function readOnlyReason({ settings, values }: FormContext, path: SettingPath, kind: FieldKind): string | undefined {
  if (!isOpenSetting(kind.type === 'map' ? [...path, '*'] : path, settings.openPaths)) return READ_ONLY;
  // Secrets of their own are replaced as a whole; one among other words would be lost.
  const isMixed = kind.type !== 'map' && kind.type !== 'secret' && holdsMask(valueAt(values, path));
  return isMixed ? MIXED : undefined;
}

function hiddenText(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  return holdsMask(value) ? 'set, not shown' : value;
}

/** What `defaults` says for a model's setting of the same name. */
function inheritedValue(edited: SettingValues, { schema }: SettingsView, path: SettingPath): SettingValue | undefined {
  const [first, , ...rest] = path;
  if (first !== 'models' || rest[0] === 'env' || rest[0] === 'args') return undefined;
  const source = ['defaults', ...rest];
  return valueAt(edited, source) ?? schemaEntry(schema, source)?.defaultValue;
}

export interface FoundField extends FieldSpec {
  readonly section: SectionId;
  readonly sectionTitle: string;
  readonly pathText: string;
  readonly help: string;
}

/** Every setting there is a field for, to be searched. */
export function listAllFields(context: FormContext, devices: readonly string[]): readonly FoundField[] {
  return sections.flatMap(({ id: section, title }) => {
    const groups =
      section === 'models'
        ? listModels(context.edited).flatMap((id) => modelGroups(id, hasCommand(context.edited, id)))
        : groupsOf(section, devices);
    return groups
      .flatMap(({ fields }) => fields)
      .map((field) => ({
        ...field,
        section,
        sectionTitle: section === 'models' ? `${title}, ${String(field.path[1])}` : title,
        pathText: formatPath(field.path),
        help: schemaEntry(context.settings.schema, field.path)?.description ?? '',
      }));
  });
}

/** Those that have all the words in label, path or description; label matches first. */
export function searchFields(fields: readonly FoundField[], typed: string): readonly FoundField[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [];
  const has = (text: string): boolean => words.every((word) => text.toLowerCase().includes(word));
  const found = fields.filter(({ label, pathText, help, sectionTitle }) =>
    has(`${label} ${pathText} ${help} ${sectionTitle}`),
  );
  return [...found.filter(({ label }) => has(label)), ...found.filter(({ label }) => !has(label))];
}

export function listModels(edited: SettingValues): readonly string[] {
  return namesAt(edited, 'models');
}

export function namesAt(edited: SettingValues, name: string): readonly string[] {
  const group = edited[name];
  return typeof group === 'object' && group !== null && !Array.isArray(group) ? Object.keys(group) : [];
}

export function hasCommand(edited: SettingValues, id: string): boolean {
  return valueAt(edited, ['models', id, 'command']) !== undefined;
}

/** Where a budget may be set: on every device there is, and wherever one is. */
export function budgetDevices(edited: SettingValues, deviceIds: readonly string[]): readonly string[] {
  const budgets = valueAt(edited, ['memory', 'budgets']);
  const named = typeof budgets === 'object' && budgets !== null ? Object.keys(budgets) : [];
  return [...new Set([...deviceIds, ...named])];
}

/** Issues that no field of the form shows. */
export function otherIssues(context: FormContext, shown: readonly FieldSpec[]): readonly SettingIssue[] {
  return context.issues.filter(({ path }) => !shown.some((field) => concerns(path, field.path)));
}
