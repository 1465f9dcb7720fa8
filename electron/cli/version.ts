/** Put in by the bundler (build/build.js) from package.json. */
declare const __CORRAL_VERSION__: string | undefined;

/** `0.0.0-source` when run without the bundler. */
export const corralVersion = typeof __CORRAL_VERSION__ === 'string' ? __CORRAL_VERSION__ : '0.0.0-source';
