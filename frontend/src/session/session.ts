import { type Cognito, isSessionOver } from "./cognito.ts";
import { type Claims, claimsOf, isFresh, type Tokens } from "./tokens.ts";

/** `restoring`: there is a refresh token, and its first exchange is not finished. */
export type SessionState =
  | Readonly<{ status: "restoring" }>
  | Readonly<{ status: "anonymous" }>
  | Readonly<{ status: "signed-in"; user: Claims }>;

const STORAGE_KEY = "cruddur.refresh-token";
const LOCK = "cruddur.refresh";
const ANONYMOUS: SessionState = { status: "anonymous" };

/**
 * The session of this browser.
 *
 * Access and ID tokens are in memory only. The refresh token is in localStorage, so that a reload
 * or another tab continues the session; each exchange replaces it.
 */
export class Session {
  private tokens: Tokens | null = null;
  private state: SessionState;
  private refreshing: Promise<Tokens | null> | null = null;
  private readonly listeners = new Set<() => void>();

  constructor(
    private readonly cognito: Pick<Cognito, "refresh" | "signOut">,
    private readonly storage: Storage = localStorage,
    private readonly now: () => number = Date.now,
  ) {
    this.state = storage.getItem(STORAGE_KEY) ? { status: "restoring" } : ANONYMOUS;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly current = (): SessionState => this.state;

  /** Follow sign-ins and sign-outs of other tabs, until the page is closed. */
  followOtherTabs(): void {
    window.addEventListener("storage", (event) => {
      if (event.key !== STORAGE_KEY) {
        return;
      }
      if (event.newValue === null) {
        this.clear();
      } else if (this.state.status === "anonymous") {
        this.setState({ status: "restoring" });
        void this.accessToken().catch(() => undefined);
      }
    });
  }

  start(tokens: Tokens): void {
    this.tokens = tokens;
    this.storage.setItem(STORAGE_KEY, tokens.refreshToken);
    this.setState({ status: "signed-in", user: claimsOf(tokens) });
  }

  /**
   * Return a valid access token, or null for an anonymous visitor.
   *
   * Concurrent callers share one exchange. With `rejected`, a token that the API refused, exchange
   * unless another caller already did. Throw if Cognito is not reachable.
   */
  async accessToken(rejected?: string): Promise<string | null> {
    const { tokens } = this;
    if (tokens && tokens.accessToken !== rejected && isFresh(tokens, this.now())) {
      return tokens.accessToken;
    }
    this.refreshing ??= this.refresh().finally(() => {
      this.refreshing = null;
    });
    return (await this.refreshing)?.accessToken ?? null;
  }

  /** Revoke the tokens and forget them, also if Cognito is not reachable. */
  async signOut(): Promise<void> {
    try {
      const token = await this.accessToken();
      if (token) {
        await this.cognito.signOut(token);
      }
    } finally {
      this.clear();
    }
  }

  private async refresh(): Promise<Tokens | null> {
    // One tab at a time: the next one reads the refresh token that this one stores.
    return exclusively(async () => {
      const refreshToken = this.storage.getItem(STORAGE_KEY);
      if (!refreshToken) {
        this.clear();
        return null;
      }
      try {
        this.start(await this.cognito.refresh(refreshToken));
      } catch (error) {
        if (!isSessionOver(error)) {
          throw error;
        }
        this.clear();
      }
      return this.tokens;
    });
  }

  private clear(): void {
    this.tokens = null;
    this.storage.removeItem(STORAGE_KEY);
    this.setState(ANONYMOUS);
  }

  private setState(state: SessionState): void {
    if (JSON.stringify(state) === JSON.stringify(this.state)) {
      return;
    }
    this.state = state;
    for (const listener of this.listeners) {
      listener();
    }
  }
}

async function exclusively<T>(work: () => Promise<T>): Promise<T> {
  return "locks" in navigator ? await navigator.locks.request(LOCK, work) : await work();
}
