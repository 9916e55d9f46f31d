import { infiniteQueryOptions } from "@tanstack/react-query";
import { type Api, body } from "../api/client.ts";

export const CONVERSATIONS_KEY = ["conversations"] as const;
const POLL_MS = 5000; // The API has no push; hidden pages do not poll.

export function messagesKey(conversation: string) {
  return ["messages", conversation] as const;
}

export function conversationsQuery(api: Api) {
  return infiniteQueryOptions({
    queryKey: CONVERSATIONS_KEY,
    queryFn: ({ pageParam, signal }) => {
      const query = pageParam ? { cursor: pageParam } : {};
      return body(api.GET("/api/message_groups", { params: { query }, signal }));
    },
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next_cursor,
    refetchInterval: 4 * POLL_MS,
  });
}

/** The messages of a conversation, the newest first. */
export function messagesQuery(api: Api, conversation: string) {
  return infiniteQueryOptions({
    queryKey: messagesKey(conversation),
    queryFn: ({ pageParam, signal }) => {
      const path = { message_group_uuid: conversation };
      const query = pageParam ? { cursor: pageParam } : {};
      return body(
        api.GET("/api/messages/{message_group_uuid}", { params: { path, query }, signal }),
      );
    },
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next_cursor,
    refetchInterval: POLL_MS,
  });
}
