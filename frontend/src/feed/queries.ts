import { type Api, body } from "../api/client.ts";
import { pagedQuery } from "../api/paged-query.ts";

export const HOME_KEY = ["posts", "home"] as const;

export function homeQuery(api: Api) {
  return pagedQuery(HOME_KEY, (query, signal) =>
    body(api.GET("/api/activities/home", { params: { query }, signal })),
  );
}
