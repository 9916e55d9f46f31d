import { createContext, type ReactNode, useContext, useSyncExternalStore } from "react";
import type { Api } from "./api/client.ts";
import type { Configuration } from "./configuration.ts";
import type { Session, SessionState } from "./session/session.ts";

/** The objects that all pages share. */
export type Services = Readonly<{ configuration: Configuration; session: Session; api: Api }>;

const Context = createContext<Services | null>(null);

export function ServicesProvider({
  services,
  children,
}: {
  services: Services;
  children: ReactNode;
}) {
  return <Context value={services}>{children}</Context>;
}

export function useServices(): Services {
  const services = useContext(Context);
  if (!services) {
    throw new Error("there is no ServicesProvider");
  }
  return services;
}

export function useApi(): Api {
  return useServices().api;
}

export function useSession(): SessionState {
  const { session } = useServices();
  return useSyncExternalStore(session.subscribe, session.current);
}
