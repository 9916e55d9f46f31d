import { Link } from "react-router";
import { PageHeader } from "../ui/page-header.tsx";
import { Empty } from "../ui/states.tsx";

export function NotFoundPage({ text = "There is nothing at this address." }: { text?: string }) {
  return (
    <>
      <PageHeader title="Not found" back="/" />
      <Empty title={text}>
        <p>
          <Link className="button button-quiet" to="/">
            Go to the newest posts
          </Link>
        </p>
      </Empty>
    </>
  );
}
