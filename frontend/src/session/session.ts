import { type Cognito, isSessionOver } from "./cognito.ts";
import { type Claims, claimsOf, isFresh, STORAGE_KEY, type Tokens } from "./tokens.ts";

/** `restoring`: there is a refresh token, and its first exchange is not finished. */
export type SessionState =
  | Readonly<{ status: "restoring" }>
  | Readonly<{ status: "anonymous" }>
  | Readonly<{ status: "signed-in"; user: Claims }>;

const TAB_KEY = "cruddur.tokens";
const USER_KEY = "cruddur.user"; // In both storages: whose session and whose drafts they have.
const LOCK = "cruddur.refresh";
const ANONYMOUS: SessionState = { status: "anonymous" };

/**
 * The session of this browser.
 *
 * The refresh token is in localStorage, so that another tab or visit continues the session; each
 * exchange replaces it. All tokens of the last exchange by this tab are in sessionStorage, so that a
 * reload needs no exchange: if the page was reloaded during one, the new refresh token would be lost.
 */
export class Session {
  private tokens: Tokens | null = null;
  private state: SessionState;
  private refreshing: Promise<Tokens | null> | null = null;
  private readonly listeners = new Set<() => void>();

  constructor(
    private readonly cognito: Pick<Cognito, "refresh" | "signOut">,
    private readonly storage: Storage = localStorage,
    private readonly tabStorage: Storage = sessionStorage,
    private readonly now: () => number = Date.now,
  ) {
    const refreshToken = storage.getItem(STORAGE_KEY);
    this.tokens = this.tokensOfTab(refreshToken);
    if (this.tokens) {
      this.state = { status: "signed-in", user: claimsOf(this.tokens) };
    } else {
      tabStorage.removeItem(TAB_KEY);
      this.state = refreshToken ? { status: "restoring" } : ANONYMOUS;
    }
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
        this.end();
      } else if (this.state.status === "anonymous") {
        this.setState({ status: "restoring" });
        void this.accessToken().catch(() => undefined);
      } else if (this.isOfAnotherUser()) {
        window.location.reload();
      }
    });
    window.addEventListener("pageshow", ({ persisted }) => {
      const stored = this.storage.getItem(STORAGE_KEY);
      if (!persisted || stored === (this.tokens?.refreshToken ?? null)) {
        return;
      }
      // In the back/forward cache, a page may have missed the events of the storage.
      if (stored === null) {
        this.end();
      } else {
        window.location.reload(); // It may show the data of another user.
      }
    });
  }

  start(tokens: Tokens): void {
    const user = claimsOf(tokens);
    const previous = this.tabStorage.getItem(USER_KEY);
    if (previous !== null && previous !== user.userId) {
      this.tabStorage.clear(); // It has drafts of another user.
    }
    this.tokens = tokens;
    this.storage.setItem(USER_KEY, user.userId);
    this.storage.setItem(STORAGE_KEY, tokens.refreshToken); // Last, for the events in other tabs.
    this.tabStorage.setItem(USER_KEY, user.userId);
    this.tabStorage.setItem(TAB_KEY, JSON.stringify(tokens));
    this.setState({ status: "signed-in", user });
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

  /** Revoke the tokens and remove them, even if Cognito is not reachable. */
  async signOut(): Promise<void> {
    try {
      const token = await this.accessToken();
      if (token) {
        await this.cognito.signOut(token);
      }
    } finally {
      this.end();
    }
  }

  /** Return whether another tab has signed in another user, without a sign-out before. */
  private isOfAnotherUser(): boolean {
    const { state } = this;
    const user = this.storage.getItem(USER_KEY);
    return state.status === "signed-in" && user !== null && user !== state.user.userId;
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

  /** Forget the session after a sign-out, with the drafts in this tab. */
  private end(): void {
    this.tabStorage.clear();
    this.clear();
  }

  /** Forget the tokens. Drafts are kept, because Cognito may have ended the session. */
  private clear(): void {
    this.tokens = null;
    this.storage.removeItem(USER_KEY);
    this.storage.removeItem(STORAGE_KEY);
    this.tabStorage.removeItem(TAB_KEY);
    this.setState(ANONYMOUS);
  }

  /**
   * Return the tokens that this tab stored before a reload, if they are valid and `refreshToken` is
   * one of them.
   *
   * If it is not, another tab has exchanged it, or another user has signed in meanwhile.
   */
  private tokensOfTab(refreshToken: string | null): Tokens | null {
    const tokens: Tokens | null = JSON.parse(this.tabStorage.getItem(TAB_KEY) ?? "null");
    const isCurrent = tokens?.refreshToken === refreshToken;
    return tokens && isCurrent && isFresh(tokens, this.now()) ? tokens : null;
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
