/** Loader hooks of Node: `electron` is the module that `register.mjs` names. */
let electronUrl;

export function initialize(url) {
  electronUrl = url;
}

export function resolve(specifier, context, nextResolve) {
  if (specifier === 'electron' || specifier === 'electron/main')
    return { url: electronUrl, format: 'module', shortCircuit: true };
  return nextResolve(specifier, context);
}
