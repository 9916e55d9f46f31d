/**
 * The password of a user who has signed up, to sign them in when they have confirmed their address.
 *
 * It is in memory only: after a reload between the two pages, the user has to enter it.
 */
let newUser: Readonly<{ email: string; password: string }> | null = null;

export function rememberNewUser(email: string, password: string): void {
  newUser = { email, password };
}

/** Return the password of `email`, or null, and remove it from memory. */
export function takePassword(email: string): string | null {
  const password = newUser?.email === email ? newUser.password : null;
  newUser = null;
  return password;
}
