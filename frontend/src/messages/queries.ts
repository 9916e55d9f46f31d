import { type Api, body } from "../api/client.ts";
import { pagedQuery } from "../api/paged-query.ts";

export const CONVERSATIONS_KEY = ["conversations"] as const;
const POLL_MS = 5000; // The API does not push new messages. Hidden pages do not poll.

export function messagesKey(conversation: string) {
  return ["messages", conversation] as const;
}

export function conversationsQuery(api: Api) {
  const pages = pagedQuery(CONVERSATIONS_KEY, (query, signal) =>
    body(api.GET("/api/message_groups", { params: { query }, signal })),
  );
  return { ...pages, refetchInterval: 4 * POLL_MS };
}

/** The messages of a conversation, the newest first. */
export function messagesQuery(api: Api, conversation: string) {
  const path = { message_group_uuid: conversation };
  const pages = pagedQuery(messagesKey(conversation), (query, signal) =>
    body(api.GET("/api/messages/{message_group_uuid}", { params: { path, query }, signal })),
  );
  return { ...pages, refetchInterval: POLL_MS };
}
