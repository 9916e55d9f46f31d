import type { QueryClient } from "@tanstack/react-query";
import type { Session } from "./session.ts";

/** When the user changes, discard what was loaded for the previous one, and load it again. */
export function resetOnNewUser(session: Session, queryClient: QueryClient): void {
  let user = userOf(session);
  session.subscribe(() => {
    const previous = user;
    user = userOf(session);
    // Requests wait for the token of a session that is being restored, so their results are right.
    if (previous !== user && previous !== "restoring") {
      // Pages render first, so that queries which only members need are not sent again.
      setTimeout(() => void queryClient.resetQueries());
    }
  });
}

function userOf(session: Session): string {
  const state = session.current();
  return state.status === "signed-in" ? state.user.userId : state.status;
}
