import { infiniteQueryOptions } from "@tanstack/react-query";
import { type Api, body } from "../api/client.ts";

export function threadKey(uuid: string) {
  return ["posts", "thread", uuid] as const;
}

/** A post with a page of its replies, the first one first. */
export function threadQuery(api: Api, handle: string, uuid: string) {
  return infiniteQueryOptions({
    queryKey: threadKey(uuid),
    queryFn: async ({ pageParam, signal }) => {
      const path = { handle, activity_uuid: uuid };
      const query = pageParam ? { cursor: pageParam } : {};
      const { activity, replies } = await body(
        api.GET("/api/activities/@{handle}/status/{activity_uuid}", {
          params: { path, query },
          signal,
        }),
      );
      return { ...replies, activity };
    },
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next_cursor,
  });
}
