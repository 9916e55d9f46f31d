import type { ReactNode } from "react";
import { useParams } from "react-router";
import { HANDLE } from "../api/limits.ts";
import { NotFoundPage } from "../pages/not-found-page.tsx";

type Page = (handle: string, post: string) => ReactNode;

function HandleRoute({ page }: { page: Page }) {
  const { user = "", post = "" } = useParams();
  const handle = user.slice(1);
  return user.startsWith("@") && HANDLE.test(handle) ? page(handle, post) : <NotFoundPage />;
}

/** Return the element of a route whose first segment is `@` and a handle; others are not found. */
export function handleRoute(page: Page): ReactNode {
  return <HandleRoute page={page} />;
}
