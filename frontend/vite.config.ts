import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { configurationOfDevelopment } from "./build/configuration-of-development.ts";
import { firstLoadLimit } from "./build/first-load-limit.ts";
import { preloadScript } from "./build/preload-script.ts";

export default defineConfig({
  plugins: [
    react(),
    configurationOfDevelopment(),
    preloadScript({ name: "preload", source: "src/preload.ts" }),
    firstLoadLimit({ limitKilobytes: 120, pages: ["src/feed/home-page.tsx"] }),
  ],
  build: {
    target: "es2022",
    cssCodeSplit: false, // Pages that load later must not shift: all styles are there first.
    modulePreload: { polyfill: false }, // All browsers of the target have module preloads.
    assetsInlineLimit: 0, // The content security policy allows no data: fonts or scripts.
    reportCompressedSize: false, // firstLoadLimit reports it.
    rolldownOptions: {
      output: {
        codeSplitting: {
          // The first load has few files: on a slow network each one costs more than its bytes.
          groups: [
            {
              name: "early",
              test: /src.(configuration|first-request|api.limits|session.tokens)\.ts$/,
              priority: 1,
            },
            { name: "initial", tags: ["$initial"] },
          ],
        },
      },
    },
  },
  test: { include: ["src/**/*.test.{ts,tsx}"], environment: "node", restoreMocks: true },
  server: { host: "127.0.0.1", strictPort: true, allowedHosts: [".localhost"] },
});
