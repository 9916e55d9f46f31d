import { useCallback } from "react";
import { useNavigate, useSearchParams } from "react-router";
import { useServices } from "../services.tsx";
import type { SignInStep } from "../session/sign-in.ts";
import * as signIn from "../session/sign-in.ts";

let isConfigured = false;

/** Return the functions for signing up and in, after configuring them for this environment. */
export function useSignIn(): typeof signIn {
  const { configuration } = useServices();
  if (!isConfigured) {
    signIn.configure(configuration);
    isConfigured = true;
  }
  return signIn;
}

/** Return a function that opens the page of the next step of a sign-in, or after the last step the
 * page that required the sign-in. */
export function useNextStep(email: string) {
  const { session } = useServices();
  const navigate = useNavigate();
  const next = usePageAfterSignIn();
  return useCallback(
    async (step: SignInStep) => {
      switch (step.step) {
        case "done":
          session.start(step.tokens);
          await navigate(next, { replace: true });
          break;
        case "confirm":
          await navigate(`/confirm?email=${encodeURIComponent(email)}`);
          break;
        case "reset-password":
          await navigate(`/forgot?email=${encodeURIComponent(email)}`);
          break;
        case "authenticator-code":
          break; // The sign-in page has a field for the code.
      }
    },
    [email, navigate, next, session],
  );
}

/** Return the path in `?next=`, if it is one of this site. */
function usePageAfterSignIn(): string {
  const next = useSearchParams()[0].get("next") ?? "/";
  return /^\/(?![/\\])/.test(next) ? next : "/";
}
