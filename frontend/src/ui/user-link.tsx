import { Link } from "react-router";

type Properties = Readonly<{ handle: string; name: string; to?: string; isStretched?: boolean }>;

/** The name and handle of a user; `isStretched`: the whole item that contains it is the link. */
export function UserLink({ handle, name, to = `/@${handle}`, isStretched = false }: Properties) {
  return (
    <Link className={isStretched ? "author stretched" : "author"} to={to}>
      <bdi className="name">{name}</bdi> <span className="handle">@{handle}</span>
    </Link>
  );
}
