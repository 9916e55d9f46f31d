import type { ReactNode } from "react";
import { useLocation, useNavigate } from "react-router";
import { BackIcon } from "./icons.tsx";

type Properties = Readonly<{
  title: string;
  /** Shows a button to the previous page, or to this path if the visit began here. */
  back?: string;
  children?: ReactNode;
}>;

/** The heading of a page, and the title of the window. */
export function PageHeader({ title, back, children }: Properties) {
  const navigate = useNavigate();
  const { key } = useLocation();
  const isFirst = key === "default";
  return (
    <header className="page-header">
      <title>{`${title} · Cruddur`}</title>
      {back && (
        <button
          type="button"
          className="icon-button"
          aria-label="Back"
          onClick={() => void (isFirst ? navigate(back) : navigate(-1))}
        >
          <BackIcon />
        </button>
      )}
      <h1>{title}</h1>
      {children}
    </header>
  );
}
