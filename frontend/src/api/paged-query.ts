import { infiniteQueryOptions, type QueryKey } from "@tanstack/react-query";

/** The query parameters of a request for a page: the cursor of the previous page, if there is one. */
export type PageQuery = Readonly<{ cursor?: string }>;

/** Return the query for a list that the API returns in pages; `read` requests one of them. */
export function pagedQuery<Page extends { next_cursor: string | null }, Key extends QueryKey>(
  queryKey: Key,
  read: (query: PageQuery, signal: AbortSignal) => Promise<Page>,
) {
  return infiniteQueryOptions({
    queryKey,
    queryFn: ({ pageParam, signal }) => read(pageParam ? { cursor: pageParam } : {}, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (last: Page) => last.next_cursor,
  });
}
