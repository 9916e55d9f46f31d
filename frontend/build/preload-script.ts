import type { Plugin } from "vite";

/**
 * Add a module to the pages that runs before the application is loaded.
 *
 * Vite would merge a second script of index.html with the first one.
 */
export function preloadScript({ name, source }: { name: string; source: string }): Plugin {
  return {
    name: "preload-script",
    config: () => ({
      build: { rolldownOptions: { input: { index: "index.html", [name]: source } } },
    }),
    transformIndexHtml(_html, { bundle }) {
      const built = Object.values(bundle ?? {}).find(
        (file) => file.type === "chunk" && file.isEntry && file.name === name,
      );
      const src = `/${built?.fileName ?? source}`;
      return [{ tag: "script", attrs: { type: "module", src }, injectTo: "head-prepend" }];
    },
  };
}
