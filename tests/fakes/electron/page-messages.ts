/** What crosses between a page and the main process; clones are texts of `clone-codec.ts`. */

export type FromPage =
  | { readonly kind: 'send'; readonly channel: string; readonly args: string }
  | { readonly kind: 'invoke'; readonly id: number; readonly channel: string; readonly args: string };

export type ToPage =
  | { readonly kind: 'message'; readonly channel: string; readonly args: string }
  | { readonly kind: 'answer'; readonly id: number; readonly value: string; readonly error?: string };
