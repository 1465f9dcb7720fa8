import { z } from 'zod';

const updateStatusSchema = z.discriminatedUnion('status', [
  /** Updates are off, or this is not an installed copy. */
  z.object({ status: z.literal('unavailable'), reason: z.string() }),
  z.object({ status: z.literal('idle'), checkedAt: z.number().nullable() }),
  z.object({ status: z.literal('checking') }),
  z.object({ status: z.literal('downloading'), version: z.string(), progress: z.number() }),
  z.object({ status: z.literal('ready'), version: z.string() }),
  z.object({ status: z.literal('failed'), reason: z.string() }),
]);

export type UpdateStatus = z.infer<typeof updateStatusSchema>;

export const desktopStateSchema = z.object({
  /** Null where the platform has no such thing. */
  startsAtLogin: z.boolean().nullable(),
  notifications: z.boolean(),
  update: updateStatusSchema,
});

export type DesktopState = z.infer<typeof desktopStateSchema>;

/** What only the desktop app can do; the window has it over IPC, and a browser does not. */
export const desktopCommands = {
  'read-desktop': { request: z.strictObject({}), response: desktopStateSchema },
  'update-desktop': {
    request: z.strictObject({ startsAtLogin: z.boolean().optional(), notifications: z.boolean().optional() }),
    response: desktopStateSchema,
  },
  /** Lets the user choose; null if they did not. */
  'choose-path': {
    request: z.strictObject({ kind: z.enum(['model-file', 'folder']) }),
    response: z.object({ path: z.string().nullable() }),
  },
  /** Opens it in the file manager, or the configuration in the editor for its kind of file. */
  'open-path': {
    request: z.strictObject({ which: z.enum(['config', 'logs', 'data']) }),
    response: z.object({}),
  },
  'check-for-update': { request: z.strictObject({}), response: desktopStateSchema },
  /** Stops everything in order, installs and starts again. */
  'install-update': { request: z.strictObject({}), response: z.object({}) },
} as const satisfies Record<string, { request: z.ZodType; response: z.ZodType }>;

export type DesktopCommandName = keyof typeof desktopCommands;

export type DesktopRequest<Name extends DesktopCommandName> = z.input<(typeof desktopCommands)[Name]['request']>;

export type DesktopResponse<Name extends DesktopCommandName> = z.output<(typeof desktopCommands)[Name]['response']>;

export function isDesktopCommandName(name: string): name is DesktopCommandName {
  return Object.hasOwn(desktopCommands, name);
}
