import type { InfiniteData, UseInfiniteQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { More } from "./more.tsx";
import { Failure, ListSkeleton } from "./states.tsx";

type Page<Item> = Readonly<{ items: readonly Item[]; next_cursor: string | null }>;

type Properties<Item> = Readonly<{
  label: string;
  query: UseInfiniteQueryResult<InfiniteData<Page<Item>>>;
  /** Returns null for an item that is not shown. */
  render: (item: Item) => ReactNode;
  idOf: (item: Item) => string;
  empty: ReactNode;
}>;

/** A list that loads page after page, with its states: loading, failed, empty, stale. */
export function PagedList<Item>({ label, query, render, idOf, empty }: Properties<Item>) {
  const { data, error, isPending } = query;
  if (isPending) {
    return query.fetchStatus === "paused" ? <Waiting /> : <ListSkeleton />;
  }
  if (!data) {
    return <Failure error={error} onRetry={() => void query.refetch()} />;
  }
  const items = data.pages.flatMap((page) => page.items);
  return (
    <>
      {query.isRefetchError && <Failure error={error} onRetry={() => void query.refetch()} />}
      {items.length === 0 ? (
        empty
      ) : (
        <ul className="list" aria-label={label}>
          {items.map((item) => (
            <li key={idOf(item)}>{render(item)}</li>
          ))}
        </ul>
      )}
      <More
        hasMore={query.hasNextPage}
        isLoading={query.isFetchingNextPage}
        hasFailed={query.isFetchNextPageError}
        onLoad={() => void query.fetchNextPage()}
      />
    </>
  );
}

function Waiting() {
  return (
    <p className="empty muted" role="status">
      Waiting for the network…
    </p>
  );
}
