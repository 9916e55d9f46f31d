import type { Configuration } from "../configuration.ts";
import { expiryOf, type Tokens } from "./tokens.ts";

/** Cognito refused a request; `code` is the name of its exception. */
export class CognitoError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = "CognitoError";
  }
}

type Result = Readonly<{
  AuthenticationResult?: { AccessToken: string; IdToken: string; RefreshToken?: string };
}>;

/**
 * The two calls of Cognito that every page may need.
 *
 * Amplify has them too, but it is as large as a third of the first load. So only the pages for
 * signing in load it.
 */
export class Cognito {
  constructor(private readonly configuration: Configuration) {}

  /** Exchange a refresh token, which is no longer valid if Cognito returns a new one. */
  async refresh(refreshToken: string): Promise<Tokens> {
    const { AuthenticationResult: result } = await this.call("GetTokensFromRefreshToken", {
      RefreshToken: refreshToken,
      ClientId: this.configuration.userPoolClient,
    });
    if (!result) {
      throw new CognitoError("NotAuthorizedException", "Cognito returned no tokens");
    }
    return {
      accessToken: result.AccessToken,
      idToken: result.IdToken,
      refreshToken: result.RefreshToken ?? refreshToken,
      expiresAt: expiryOf(result.AccessToken),
    };
  }

  /** Revoke all tokens of the user, on all devices. */
  async signOut(accessToken: string): Promise<void> {
    await this.call("GlobalSignOut", { AccessToken: accessToken });
  }

  private async call(operation: string, body: Record<string, string>): Promise<Result> {
    const response = await fetch(this.configuration.cognito, {
      method: "POST",
      headers: {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": `AWSCognitoIdentityProviderService.${operation}`,
      },
      body: JSON.stringify(body),
      cache: "no-store",
    });
    const result: unknown = await response.json().catch(() => ({}));
    if (!response.ok) {
      const { __type = "", message = "" } = result as { __type?: string; message?: string };
      throw new CognitoError(__type.split("#").at(-1) || `Status${response.status}`, message);
    }
    return result as Result;
  }
}

/** Return whether Cognito will never accept the token again, unlike after a network error. */
export function isSessionOver(error: unknown): boolean {
  const codes = [
    "NotAuthorizedException",
    "RefreshTokenReuseException",
    "UserNotFoundException",
    "UserNotConfirmedException",
    "PasswordResetRequiredException",
    "ResourceNotFoundException",
    "InvalidParameterException",
  ];
  return error instanceof CognitoError && codes.includes(error.code);
}
