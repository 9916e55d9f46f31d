import { Link, Outlet, useLocation } from "react-router";
import { useSession } from "../services.tsx";
import { PageHeader } from "../ui/page-header.tsx";
import { Empty } from "../ui/states.tsx";

/** The pages of signed-in users. Anonymous visitors see a link for signing in, which leads back. */
export function RequireSession() {
  const session = useSession();
  const { pathname } = useLocation();
  if (session.status !== "anonymous") {
    return <Outlet />;
  }
  const next = `?next=${encodeURIComponent(pathname)}`;
  return (
    <>
      <PageHeader title="Sign in" />
      <Empty title="This page is for members">
        <p>Sign in to see it.</p>
        <p className="row">
          <Link className="button" to={`/signin${next}`}>
            Sign in
          </Link>
          <Link className="button button-quiet" to="/signup">
            Create an account
          </Link>
        </p>
      </Empty>
    </>
  );
}
