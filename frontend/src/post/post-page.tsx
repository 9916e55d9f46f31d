import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo } from "react";
import { useLocation } from "react-router";
import type { Post } from "../api/client.ts";
import { ApiError } from "../api/problem.ts";
import { findPost } from "../feed/cached-posts.ts";
import { PostCard } from "../feed/post-card.tsx";
import { PostList } from "../feed/post-list.tsx";
import { NotFoundPage } from "../pages/not-found-page.tsx";
import { useApi, useSession } from "../services.tsx";
import { PageHeader } from "../ui/page-header.tsx";
import { Empty, Failure, ListSkeleton } from "../ui/states.tsx";
import { useRemaining } from "../ui/times.tsx";
import { threadQuery } from "./queries.ts";
import { ReplyForm } from "./reply-form.tsx";

/** A post with its replies. A post that a list has already loaded is shown at once. */
export function PostPage({ handle, uuid }: { handle: string; uuid: string }) {
  const client = useQueryClient();
  const known = useMemo(() => findPost(client, uuid), [client, uuid]);
  const thread = useInfiniteQuery(threadQuery(useApi(), handle, uuid));
  const post = thread.data?.pages[0]?.activity ?? known;
  if (thread.error instanceof ApiError && thread.error.status === 404) {
    return <NotFoundPage text="This post does not exist, or it has expired." />;
  }
  return (
    <>
      <PageHeader title="Post" back="/" />
      {post && <MainPost key={post.uuid} post={post} />}
      {thread.isPending && <ListSkeleton />}
      {thread.isLoadingError && (
        <Failure error={thread.error} onRetry={() => void thread.refetch()} />
      )}
      {thread.data && (
        <PostList
          label="Replies"
          query={thread}
          empty={<Empty title="There are no replies yet" />}
        />
      )}
    </>
  );
}

function MainPost({ post }: { post: Post }) {
  const session = useSession();
  const focus = (useLocation().state as { reply?: boolean } | null)?.reply === true;
  if (useRemaining(post.expires_at) === 0) {
    return <Empty title="This post has expired" />;
  }
  return (
    <>
      <PostCard post={post} isMain />
      {session.status !== "anonymous" && <ReplyForm post={post} isFocused={focus} />}
    </>
  );
}
