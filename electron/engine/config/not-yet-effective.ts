/**
 * Settings that the schema knows and this version does not act on. A file that has one gets a warning, since a setting
 * that is silently ignored is worse than one that is refused. A row leaves with the change that makes it work.
 * `*` stands for any key or position.
 */
export const notYetEffective: readonly { readonly pattern: string; readonly willDo: string }[] = [
  { pattern: 'engine.channel', willDo: 'choose which llama.cpp builds are downloaded' },
  { pattern: 'engine.variant', willDo: 'choose the kind of llama.cpp build' },
  { pattern: 'engine.origin', willDo: 'choose where llama.cpp is downloaded from' },
  { pattern: 'engine.keep', willDo: 'limit how many builds are kept' },
  { pattern: 'scheduler.defaultModel', willDo: 'answer requests that name no model' },
  { pattern: 'telemetry.capture', willDo: 'keep prompts and answers' },
];
