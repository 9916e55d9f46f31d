import {
  confirmResetPassword,
  confirmSignIn,
  confirmSignUp,
  fetchAuthSession,
  resendSignUpCode,
  resetPassword,
  signIn,
  signUp,
} from "@aws-amplify/auth";
import { cognitoUserPoolsTokenProvider } from "@aws-amplify/auth/cognito";
import { Amplify } from "@aws-amplify/core";
import type { Configuration } from "../configuration.ts";
import { expiryOf, type Tokens } from "./tokens.ts";

/**
 * Signing up and in, with Amplify's implementation of SRP. Only the pages that need it load it.
 *
 * Amplify stores its tokens in `memory`; `takeTokens` removes them and returns them for `Session`.
 */
const memory = new Map<string, string>();

export function configure(configuration: Configuration): void {
  cognitoUserPoolsTokenProvider.setKeyValueStorage({
    getItem: async (key) => memory.get(key) ?? null,
    setItem: async (key, value) => {
      memory.set(key, value);
    },
    removeItem: async (key) => {
      memory.delete(key);
    },
    clear: async () => memory.clear(),
  });
  const Cognito = {
    userPoolId: configuration.userPool,
    userPoolClientId: configuration.userPoolClient,
    userPoolEndpoint: configuration.cognito,
  };
  cognitoUserPoolsTokenProvider.setAuthConfig({ Cognito });
  Amplify.configure(
    { Auth: { Cognito } },
    { Auth: { tokenProvider: cognitoUserPoolsTokenProvider } },
  );
}

type NewUser = Readonly<{ name: string; handle: string; email: string; password: string }>;

export async function register({ name, handle, email, password }: NewUser): Promise<void> {
  const userAttributes = { name, email, preferred_username: handle };
  await signUp({ username: email, password, options: { userAttributes } });
}

export async function confirm(email: string, code: string): Promise<void> {
  await confirmSignUp({ username: email, confirmationCode: code });
}

export async function resend(email: string): Promise<void> {
  await resendSignUpCode({ username: email });
}

/** The next step of a sign-in: none, the code of an authenticator app, or confirming the address. */
export type SignInStep =
  | Readonly<{ step: "done"; tokens: Tokens }>
  | Readonly<{ step: "authenticator-code" | "confirm" | "reset-password" }>;

export async function authenticate(email: string, password: string): Promise<SignInStep> {
  memory.clear(); // An abandoned sign-in may have left its state.
  return nextStep(await signIn({ username: email, password }));
}

export async function answer(code: string): Promise<SignInStep> {
  return nextStep(await confirmSignIn({ challengeResponse: code }));
}

export async function requestReset(email: string): Promise<void> {
  await resetPassword({ username: email });
}

export async function reset(email: string, code: string, newPassword: string): Promise<void> {
  await confirmResetPassword({ username: email, confirmationCode: code, newPassword });
}

async function nextStep(result: Awaited<ReturnType<typeof signIn>>): Promise<SignInStep> {
  switch (result.nextStep.signInStep) {
    case "DONE":
      return { step: "done", tokens: await takeTokens() };
    case "CONFIRM_SIGN_IN_WITH_TOTP_CODE":
      return { step: "authenticator-code" };
    case "CONFIRM_SIGN_UP":
      return { step: "confirm" };
    case "RESET_PASSWORD":
      return { step: "reset-password" };
    default:
      throw new Error(`unsupported step: ${result.nextStep.signInStep}`);
  }
}

async function takeTokens(): Promise<Tokens> {
  const { tokens } = await fetchAuthSession();
  const refreshToken = [...memory].find(([key]) => key.endsWith(".refreshToken"))?.[1];
  memory.clear();
  if (!tokens?.idToken || !refreshToken) {
    throw new Error("the sign-in returned no tokens");
  }
  const accessToken = tokens.accessToken.toString();
  return {
    accessToken,
    idToken: tokens.idToken.toString(),
    refreshToken,
    expiresAt: expiryOf(accessToken),
  };
}
