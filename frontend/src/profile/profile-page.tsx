import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import type { Profile } from "../api/client.ts";
import { ApiError } from "../api/problem.ts";
import { PostList } from "../feed/post-list.tsx";
import { NotFoundPage } from "../pages/not-found-page.tsx";
import { useApi, useServices, useSession } from "../services.tsx";
import { Avatar } from "../ui/avatar.tsx";
import { PageHeader } from "../ui/page-header.tsx";
import { Empty, Failure, ListSkeleton } from "../ui/states.tsx";
import { profileQuery, useMe } from "./queries.ts";

export function ProfilePage({ handle }: { handle: string }) {
  const posts = useInfiniteQuery(profileQuery(useApi(), handle));
  const profile = posts.data?.pages[0]?.profile;
  if (posts.error instanceof ApiError && posts.error.status === 404) {
    return <NotFoundPage text="There is no user with this handle." />;
  }
  return (
    <>
      <PageHeader title={profile?.display_name ?? `@${handle}`} back="/" />
      {profile && <Heading profile={profile} />}
      {posts.isPending && (
        <>
          <div className="profile-placeholder" />
          <ListSkeleton />
        </>
      )}
      {posts.isLoadingError && <Failure error={posts.error} onRetry={() => void posts.refetch()} />}
      {posts.data && (
        <PostList
          label={`Posts of @${handle}`}
          query={posts}
          empty={<Empty title="There are no posts" />}
        />
      )}
    </>
  );
}

function Heading({ profile }: { profile: Profile }) {
  const { assets } = useServices().configuration;
  return (
    <section className="profile" aria-label="Profile">
      <img
        className="banner"
        src={`${assets}/banners/banner.jpg`}
        alt=""
        width="1500"
        height="500"
      />
      <div className="profile-bar">
        <Avatar url={profile.avatar_url} handle={profile.handle} size="large" />
        <ProfileActions profile={profile} />
      </div>
      <h2 className="profile-name">
        <bdi>{profile.display_name}</bdi>
      </h2>
      <p className="handle">@{profile.handle}</p>
      {profile.bio && (
        <p className="text bio" dir="auto">
          {profile.bio}
        </p>
      )}
      <p className="muted">
        {count(profile.cruds_count, "post")} · joined {joined(profile.created_at)}
      </p>
    </section>
  );
}

function ProfileActions({ profile }: { profile: Profile }) {
  const session = useSession();
  const me = useMe().data;
  if (session.status === "anonymous" || !me) {
    return null;
  }
  if (me.uuid === profile.uuid) {
    return (
      <Link className="button button-quiet" to="/settings/profile">
        Edit profile
      </Link>
    );
  }
  return (
    <Link className="button button-quiet" to={`/messages/new/${profile.handle}`}>
      Send a message
    </Link>
  );
}

function count(number: number, noun: string): string {
  return `${new Intl.NumberFormat().format(number)} ${number === 1 ? noun : `${noun}s`}`;
}

function joined(time: string): string {
  return new Intl.DateTimeFormat(undefined, { month: "long", year: "numeric" }).format(
    Date.parse(time),
  );
}
