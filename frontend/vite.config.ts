import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { configurationOfDevelopment } from "./build/configuration-of-development.ts";
import { firstLoadLimit } from "./build/first-load-limit.ts";

export default defineConfig({
  plugins: [
    react(),
    configurationOfDevelopment(),
    firstLoadLimit({ limitKilobytes: 120, pages: ["src/feed/home-page.tsx"] }),
  ],
  build: {
    target: "es2022",
    cssCodeSplit: false, // Pages that load later must not shift: all styles are there first.
    modulePreload: { polyfill: false }, // All browsers of the target have module preloads.
    assetsInlineLimit: 0, // The content security policy allows no data: fonts or scripts.
    reportCompressedSize: false, // firstLoadLimit reports it.
  },
  test: { include: ["src/**/*.test.{ts,tsx}"], environment: "node", restoreMocks: true },
  server: { host: "127.0.0.1", strictPort: true, allowedHosts: [".localhost"] },
});
