const address = '/service-worker.js';

type Policies = {
  createPolicy(
    name: string,
    rules: { createScriptURL(url: string): string },
  ): { createScriptURL(url: string): unknown };
};

/**
 * Registers the worker that keeps the built files. Its address is a script's, and so goes through the one policy that the page's
 * Content-Security-Policy allows, which lets through this address alone.
 */
export function startServiceWorker(): void {
  if (!('serviceWorker' in navigator)) return;
  const { trustedTypes } = window as { trustedTypes?: Policies };
  const url =
    trustedTypes?.createPolicy('countersign', { createScriptURL: onlyWorker }).createScriptURL(address) ?? address;
  navigator.serviceWorker.register(url as string, { scope: '/' }).catch(() => {
    // The page works without it.
  });
}

function onlyWorker(url: string): string {
  if (url !== address) throw new TypeError('not the worker of this page');
  return url;
}
