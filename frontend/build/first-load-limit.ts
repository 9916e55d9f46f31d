import { gzipSync } from "node:zlib";
import type { Plugin, Rollup } from "vite";

type Options = { limitKilobytes: number; pages: readonly string[] };

/**
 * Print the gzipped JavaScript of the first load, and fail the build above a limit.
 *
 * The first load is the entry with its static imports, and those of the largest of the `pages`,
 * which are chunks that the entry imports at once. A kilobyte has 1000 bytes.
 */
export function firstLoadLimit({ limitKilobytes, pages }: Options): Plugin {
  return {
    name: "first-load-limit",
    apply: "build",
    writeBundle(_options, bundle) {
      const chunks = new Map(
        Object.values(bundle).flatMap((file) =>
          file.type === "chunk" ? [[file.fileName, file]] : [],
        ),
      );
      const files = new Set<string>();
      for (const chunk of chunks.values()) {
        if (chunk.isEntry || pages.some((page) => chunk.facadeModuleId?.endsWith(page))) {
          addWithImports(chunk.fileName, chunks, files);
        }
      }
      let bytes = 0;
      for (const file of [...files].sort()) {
        const size = gzipSync(chunks.get(file)?.code ?? "").length;
        bytes += size;
        this.info(`${kilobytes(size).padStart(9)}  ${file}`);
      }
      const summary = `JavaScript of the first load: ${kilobytes(bytes)} gzipped, limit ${limitKilobytes} kB`;
      if (bytes > limitKilobytes * 1000) {
        this.error(summary);
      }
      this.info(summary);
    },
  };
}

function addWithImports(
  name: string,
  chunks: ReadonlyMap<string, Rollup.OutputChunk>,
  files: Set<string>,
): void {
  if (files.has(name)) {
    return;
  }
  files.add(name);
  for (const imported of chunks.get(name)?.imports ?? []) {
    addWithImports(imported, chunks, files);
  }
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(1)} kB`;
}
