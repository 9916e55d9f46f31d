import type { InfiniteData, UseInfiniteQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { PagedList } from "../ui/paged-list.tsx";
import type { ListedPost } from "./cached-posts.ts";
import { PostCard } from "./post-card.tsx";

type Properties = Readonly<{
  label: string;
  query: UseInfiniteQueryResult<
    InfiniteData<{ items: readonly ListedPost[]; next_cursor: string | null }>
  >;
  empty: ReactNode;
}>;

export function PostList({ label, query, empty }: Properties) {
  return (
    <PagedList
      label={label}
      query={query}
      empty={empty}
      idOf={(post) => post.uuid}
      render={(post) => <PostCard post={post} />}
    />
  );
}
