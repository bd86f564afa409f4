/** Imported before ssh2: keeps its optional native part away, which no bundle has. What is measured is what is shipped. */
import { registerHooks } from 'node:module';

registerHooks({
  resolve: (specifier, context, next) => {
    if (specifier.endsWith('/sshcrypto.node')) throw new Error('left out, as in a bundle');
    return next(specifier, context);
  },
});
