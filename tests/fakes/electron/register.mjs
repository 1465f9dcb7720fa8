import Module, { register } from 'node:module';

/** Given to Node with `--import`: from then on `electron` is the stand-in, for modules of both kinds. */
register('./resolve.mjs', import.meta.url, { data: new URL('electron.mjs', import.meta.url).href });

const load = Module._load;
// A library may ask for it before the app's own import has run, and uses it later.
const required = new Proxy(
  {},
  {
    get(_target, name) {
      const electron = globalThis[Symbol.for('corral.electron-stand-in')];
      if (electron === undefined) throw new Error(`electron.${String(name)} is used before electron was loaded.`);
      return electron[name];
    },
  },
);
Module._load = (request, ...rest) => (request === 'electron' ? required : load(request, ...rest));
