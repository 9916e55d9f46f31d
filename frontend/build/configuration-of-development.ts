import type { Plugin } from "vite";

/**
 * Serve the run-time configuration in development: `./inv site.dev` passes it as JSON.
 *
 * In a deployed environment, `./inv site.sync` publishes it as config.json.
 */
export function configurationOfDevelopment(): Plugin {
  return {
    name: "configuration-of-development",
    configureServer(server) {
      server.middlewares.use("/config.json", (_request, response) => {
        response.setHeader("Content-Type", "application/json");
        response.end(process.env["CRUDDUR_SITE_CONFIG"] ?? "{}");
      });
    },
  };
}
