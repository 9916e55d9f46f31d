import { useEffect, useRef } from "react";

type Properties = Readonly<{
  hasMore: boolean;
  isLoading: boolean;
  /** The last attempt failed: the next one needs a click. */
  hasFailed: boolean;
  onLoad: () => void;
}>;

const DISTANCE = "600px 0px"; // Begin before the reader reaches the end of the list.

/** The end of a list: it loads the next page when it comes into view, or by its button. */
export function More({ hasMore, isLoading, hasFailed, onLoad }: Properties) {
  const button = useRef<HTMLButtonElement>(null);
  const load = useRef(onLoad);
  load.current = onLoad;
  const isAutomatic = hasMore && !isLoading && !hasFailed;
  useEffect(() => {
    const element = button.current;
    if (!element || !isAutomatic) {
      return;
    }
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) {
          load.current();
        }
      },
      { rootMargin: DISTANCE },
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, [isAutomatic]);
  if (!hasMore) {
    return null;
  }
  return (
    <div className="more">
      {hasFailed && <p role="alert">The rest of the list could not be loaded.</p>}
      <button
        ref={button}
        type="button"
        className="button button-quiet"
        disabled={isLoading}
        onClick={onLoad}
      >
        {isLoading ? "Loading…" : "Show more"}
      </button>
    </div>
  );
}
