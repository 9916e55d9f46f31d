import type { ComponentType } from "react";
import { Link, NavLink } from "react-router";
import { useMe } from "../profile/queries.ts";
import { useSession } from "../services.tsx";
import { SignOutButton } from "../session/sign-out-button.tsx";
import {
  BellIcon,
  HomeIcon,
  MessageIcon,
  PenIcon,
  SearchIcon,
  SignInIcon,
  UserIcon,
} from "./icons.tsx";

type Item = Readonly<{ to: string; name: string; Icon: ComponentType }>;

const HOME: Item = { to: "/", name: "Home", Icon: HomeIcon };
const SEARCH: Item = { to: "/search", name: "Search", Icon: SearchIcon };
const ANONYMOUS: readonly Item[] = [
  HOME,
  SEARCH,
  { to: "/signin", name: "Sign in", Icon: SignInIcon },
  { to: "/signup", name: "Join", Icon: PenIcon },
];

/** The main navigation: beside the page on wide screens, at the bottom of narrow ones. */
export function Navigation() {
  const session = useSession();
  const isMember = session.status !== "anonymous";
  const me = useMe();
  const profile = me.data ? `/@${me.data.handle}` : "/settings/profile";
  const items = isMember
    ? [
        HOME,
        SEARCH,
        { to: "/notifications", name: "Notifications", Icon: BellIcon },
        { to: "/messages", name: "Messages", Icon: MessageIcon },
        { to: profile, name: "Profile", Icon: UserIcon },
      ]
    : ANONYMOUS;
  return (
    <header className="side">
      <Link className="brand" to="/" aria-label="Cruddur">
        <img src="/favicon.svg" alt="" width="32" height="32" />
        <span>Cruddur</span>
      </Link>
      <nav aria-label="Main">
        <ul className="nav">
          {items.map(({ to, name, Icon }) => (
            <li key={name}>
              <NavLink className="nav-link" to={to} end={to !== "/messages"}>
                <Icon />
                <span>{name}</span>
              </NavLink>
            </li>
          ))}
        </ul>
      </nav>
      {isMember && <SignOutButton className="nav-link side-sign-out" />}
    </header>
  );
}
