import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

/** Nothing is inlined, for the page's policy allows neither inline scripts nor inline styles. */
export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  resolve: { alias: { react: 'preact/compat', 'react-dom': 'preact/compat' }, dedupe: ['preact'] },
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    target: 'es2023',
    manifest: true,
  },
});
