import { defineConfig } from "vite";

export default defineConfig({
  build: {
    // Nothing inline: the page's Content-Security-Policy allows none of it.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    target: "es2022",
    chunkSizeWarningLimit: 800,
  },
  // For work on the page itself, beside a running lab: npx vite in this folder.
  server: { proxy: { "/lab": { target: "http://127.0.0.1:8480", ws: true, changeOrigin: true } } },
});
