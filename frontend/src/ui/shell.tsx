import { type ReactNode, useEffect, useRef } from "react";
import { Link, useLocation, useNavigationType } from "react-router";
import { useSession } from "../services.tsx";
import { Navigation } from "./navigation.tsx";
import { OfflineBanner } from "./offline-banner.tsx";
import { SearchBox } from "./search-box.tsx";

/** The frame of all pages: navigation, the page, and what is beside it on wide screens. */
export function Shell({ children }: { children: ReactNode }) {
  const main = useRef<HTMLElement>(null);
  useFocusOfNewPage(main);
  const session = useSession();
  return (
    <div className="shell">
      <a className="skip-link" href="#main">
        Skip to the content
      </a>
      <Navigation />
      <main id="main" ref={main} tabIndex={-1}>
        <OfflineBanner />
        {children}
      </main>
      <aside className="aside" aria-label="About Cruddur">
        <SearchBox />
        {session.status === "anonymous" && (
          <section className="card">
            <h2>Join Cruddur</h2>
            <p>Say what is going on. Your posts disappear when you want them to.</p>
            <Link className="button" to="/signup">
              Create an account
            </Link>
          </section>
        )}
        <footer className="footer">
          <Link to="/about">About</Link>
          <Link to="/terms">Terms</Link>
          <Link to="/privacy">Privacy</Link>
        </footer>
      </aside>
    </div>
  );
}

/**
 * After a link was followed, begin at the top, and let screen readers begin with the page, unless
 * the page has focused one of its fields.
 */
function useFocusOfNewPage(main: { readonly current: HTMLElement | null }): void {
  const { pathname } = useLocation();
  const type = useNavigationType();
  const previous = useRef(pathname);
  useEffect(() => {
    if (previous.current === pathname) {
      return;
    }
    previous.current = pathname;
    if (type !== "POP") {
      window.scrollTo(0, 0);
      if (!main.current?.contains(document.activeElement)) {
        main.current?.focus({ preventScroll: true });
      }
    }
  }, [pathname, type, main]);
}
