import type { Post } from "../api/client.ts";

/** Return a post for tests; its message is its id. */
export function post(uuid: string): Post {
  return {
    uuid,
    handle: "ada",
    display_name: "Ada",
    avatar_url: "",
    message: uuid,
    replies_count: 0,
    reposts_count: 0,
    likes_count: 1,
    liked: false,
    reposted: false,
    reply_to_activity_uuid: null,
    expires_at: null,
    created_at: "2026-11-30T12:00:00Z",
  };
}
