import { queryOptions, useQuery } from "@tanstack/react-query";
import { type Api, body } from "../api/client.ts";
import { pagedQuery } from "../api/paged-query.ts";
import { useApi, useSession } from "../services.tsx";

/** The profile of a user with a page of their posts, in the form of other lists of posts. */
export function profileQuery(api: Api, handle: string) {
  return pagedQuery(["posts", "profile", handle.toLowerCase()], async (query, signal) => {
    const { profile, activities } = await body(
      api.GET("/api/activities/@{handle}", { params: { path: { handle }, query }, signal }),
    );
    return { ...activities, profile };
  });
}

export function meQuery(api: Api) {
  return queryOptions({
    queryKey: ["me"],
    queryFn: ({ signal }) => body(api.GET("/api/profile", { signal })),
    staleTime: 5 * 60_000,
  });
}

/** Read the profile of the signed-in user. For anonymous visitors nothing is requested. */
export function useMe() {
  const api = useApi();
  const session = useSession();
  return useQuery({ ...meQuery(api), enabled: session.status !== "anonymous" });
}
