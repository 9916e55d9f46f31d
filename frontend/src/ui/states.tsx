import type { ReactNode } from "react";
import { textOf, textsOf } from "../errors.ts";

/** The text in place of an empty list or a missing page, with a hint what to do. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <section className="empty">
      <h2>{title}</h2>
      {children}
    </section>
  );
}

/** An error of a list or page, with a button to load it again. */
export function Failure({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  return (
    <div className="failure" role="alert">
      <p>{textOf(error)}</p>
      {onRetry && (
        <button type="button" className="button button-quiet" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}

/**
 * The texts of the error of a form, or an empty region that announces them later.
 *
 * `textsOfError` replaces the usual texts.
 */
export function FormErrors({
  error,
  textsOfError = textsOf,
}: {
  error: unknown;
  textsOfError?: (error: unknown) => readonly string[];
}) {
  const texts = error ? textsOfError(error) : [];
  return (
    <div className="form-errors" role="alert">
      {texts.map((text) => (
        <p key={text}>{text}</p>
      ))}
    </div>
  );
}

const LINES = ["a", "b", "c", "d", "e", "f"];

/** Placeholders of the size of posts, so that nothing moves when these arrive. */
export function ListSkeleton() {
  return (
    <div className="skeletons" role="status" aria-label="Loading">
      {LINES.map((line) => (
        <div key={line} className="skeleton-post">
          <div className="skeleton skeleton-avatar" />
          <div className="skeleton-lines">
            <div className="skeleton" />
            <div className="skeleton" />
            <div className="skeleton" />
          </div>
        </div>
      ))}
    </div>
  );
}

export function PageSkeleton() {
  return (
    <>
      <div className="page-header" />
      <ListSkeleton />
    </>
  );
}
