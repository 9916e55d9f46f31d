import type { QueryClient } from "@tanstack/react-query";
import type { Post } from "../api/client.ts";

/** A post in a list; `pending` while it is sent. */
export type ListedPost = Post & Readonly<{ pending?: true }>;

/** A page of a list in the cache; a page of a thread also has the post that is replied to. */
type Page = Readonly<{ items: readonly unknown[]; activity?: Post }>;
type Pages = Readonly<{ pages: readonly Page[] }>;

/** Change a post in every list, thread and notification that is in the cache. */
export function updatePost(client: QueryClient, uuid: string, change: (post: Post) => Post): void {
  for (const queryKey of [["posts"], ["notifications"]]) {
    client.setQueriesData<Pages>({ queryKey }, (data) => data && inPages(data, uuid, change));
  }
}

/** Return the first version of a post that is in the cache. */
export function findPost(client: QueryClient, uuid: string): Post | undefined {
  let found: Post | undefined;
  updatePost(client, uuid, (post) => {
    found ??= post;
    return post;
  });
  return found;
}

/** Put `post` first into the list with this key. */
export function prepend(client: QueryClient, queryKey: readonly unknown[], post: ListedPost): void {
  changeFirstPage(client, queryKey, (items) => [post, ...items]);
}

/** Put `post` last into the list with this key, if the list is loaded to its end. */
export function append(client: QueryClient, queryKey: readonly unknown[], post: ListedPost): void {
  client.setQueryData<{ pages: { items: unknown[]; next_cursor: string | null }[] }>(
    queryKey,
    (data) => {
      const last = data?.pages.at(-1);
      if (!data || !last || last.next_cursor) {
        return data;
      }
      return {
        ...data,
        pages: [...data.pages.slice(0, -1), { ...last, items: [...last.items, post] }],
      };
    },
  );
}

/** Remove the post with the id `uuid` from the list with this key. */
export function remove(client: QueryClient, queryKey: readonly unknown[], uuid: string): void {
  client.setQueryData<Pages>(queryKey, (data) => {
    const without = (page: Page) => ({
      ...page,
      items: page.items.filter((item) => !isPost(item, uuid)),
    });
    return data && { ...data, pages: data.pages.map(without) };
  });
}

/** Put `post` in place of the one with the id `uuid`. */
export function replace(
  client: QueryClient,
  queryKey: readonly unknown[],
  uuid: string,
  post: ListedPost,
): void {
  client.setQueryData<Pages>(queryKey, (data) => data && inPages(data, uuid, () => post));
}

function changeFirstPage(
  client: QueryClient,
  queryKey: readonly unknown[],
  change: (items: readonly unknown[]) => readonly unknown[],
): void {
  client.setQueryData<Pages>(queryKey, (data) => {
    const [first, ...rest] = data?.pages ?? [];
    return data && first && { ...data, pages: [{ ...first, items: change(first.items) }, ...rest] };
  });
}

/** Return `data` with `change` applied to the post in lists, threads and notifications. */
function inPages(data: Pages, uuid: string, change: (post: Post) => Post): Pages {
  const changed = (value: unknown) => (isPost(value, uuid) ? change(value) : inNotification(value));
  const inNotification = (value: unknown) =>
    hasPost(value) && isPost(value.activity, uuid)
      ? { ...value, activity: change(value.activity) }
      : value;
  return {
    ...data,
    pages: data.pages.map((page) => {
      const { activity } = page;
      const head = activity && isPost(activity, uuid) ? { activity: change(activity) } : {};
      return { ...page, ...head, items: page.items.map(changed) };
    }),
  };
}

function hasPost(value: unknown): value is { activity: unknown } {
  return typeof value === "object" && value !== null && "activity" in value;
}

function isPost(value: unknown, uuid: string): value is Post {
  return (
    typeof value === "object" &&
    value !== null &&
    "likes_count" in value &&
    "uuid" in value &&
    value.uuid === uuid
  );
}
