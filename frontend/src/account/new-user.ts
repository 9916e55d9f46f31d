/**
 * The password of a sign-up that is not confirmed yet, to sign in after that.
 *
 * It is in memory only, so a reload between the two pages leads to the page for signing in.
 */
let newUser: Readonly<{ email: string; password: string }> | null = null;

export function rememberNewUser(email: string, password: string): void {
  newUser = { email, password };
}

/** Return the password of `email` and forget it. */
export function takePassword(email: string): string | null {
  const password = newUser?.email === email ? newUser.password : null;
  newUser = null;
  return password;
}
