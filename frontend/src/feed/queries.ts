import { infiniteQueryOptions } from "@tanstack/react-query";
import { type Api, body } from "../api/client.ts";

export const HOME_KEY = ["posts", "home"] as const;

export function homeQuery(api: Api) {
  return infiniteQueryOptions({
    queryKey: HOME_KEY,
    queryFn: ({ pageParam, signal }) => {
      const query = pageParam ? { cursor: pageParam } : {};
      return body(api.GET("/api/activities/home", { params: { query }, signal }));
    },
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next_cursor,
  });
}
