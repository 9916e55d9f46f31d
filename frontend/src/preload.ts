import { loadConfiguration } from "./configuration.ts";
import { firstRequest } from "./first-request.ts";
import { STORAGE_KEY } from "./session/tokens.ts";

/**
 * Request what an anonymous visitor sees first, while the application is still loading.
 *
 * The application then receives this response. Requests of members need a token, so they wait.
 */
async function preload(): Promise<void> {
  const path = firstRequest(window.location.pathname);
  if (path && localStorage.getItem(STORAGE_KEY) === null) {
    const { api } = await loadConfiguration();
    const link = document.createElement("link");
    Object.assign(link, { rel: "preload", as: "fetch", crossOrigin: "", href: `${api}${path}` });
    document.head.append(link);
  }
}

preload().catch(() => undefined); // The application shows the error.
