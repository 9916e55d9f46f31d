import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode, startTransition } from "react";
import { createRoot, type Root } from "react-dom/client";
import { BrowserRouter } from "react-router";
import { createApi } from "./api/client.ts";
import { createQueryClient } from "./api/queries.ts";
import { transport } from "./api/transport.ts";
import { App } from "./app.tsx";
import { type Configuration, loadConfiguration } from "./configuration.ts";
import { ServicesProvider } from "./services.tsx";
import { Cognito } from "./session/cognito.ts";
import { resetOnNewUser } from "./session/reset-on-new-user.ts";
import { Session } from "./session/session.ts";
import { NoticesProvider } from "./ui/notices.tsx";
import "./ui/index.css";

function render(root: Root, configuration: Configuration): void {
  const session = new Session(new Cognito(configuration));
  const api = createApi(configuration, transport(session));
  if (configuration.traces) {
    void import("./traces.ts").then(({ exporting, traceRequests }) =>
      traceRequests(api, exporting(configuration.traces)),
    );
  }
  const queryClient = createQueryClient();
  session.followOtherTabs();
  resetOnNewUser(session, queryClient);
  // In a transition React renders in short tasks, so that a slow device responds meanwhile.
  startTransition(() =>
    root.render(
      <StrictMode>
        <ServicesProvider services={{ configuration, session, api }}>
          <QueryClientProvider client={queryClient}>
            <BrowserRouter>
              <NoticesProvider>
                <App />
              </NoticesProvider>
            </BrowserRouter>
          </QueryClientProvider>
        </ServicesProvider>
      </StrictMode>,
    ),
  );
}

function renderFailure(root: Root): void {
  root.render(
    <main className="notice" role="alert">
      <h1>Cruddur is not available</h1>
      <p>The site could not be loaded. Check your network, then try again.</p>
      <button className="button" type="button" onClick={() => window.location.reload()}>
        Try again
      </button>
    </main>,
  );
}

const element = document.getElementById("root");
if (element) {
  const root = createRoot(element);
  loadConfiguration().then(
    (configuration) => render(root, configuration),
    () => renderFailure(root),
  );
}
