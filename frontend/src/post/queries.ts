import { type Api, body } from "../api/client.ts";
import { pagedQuery } from "../api/paged-query.ts";

export function threadKey(uuid: string) {
  return ["posts", "thread", uuid] as const;
}

/** A post with a page of its replies, the oldest first. */
export function threadQuery(api: Api, handle: string, uuid: string) {
  const path = { handle, activity_uuid: uuid };
  return pagedQuery(threadKey(uuid), async (query, signal) => {
    const { activity, replies } = await body(
      api.GET("/api/activities/@{handle}/status/{activity_uuid}", {
        params: { path, query },
        signal,
      }),
    );
    return { ...replies, activity };
  });
}
