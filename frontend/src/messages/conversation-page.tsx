import { useInfiniteQuery } from "@tanstack/react-query";
import { useLayoutEffect, useRef } from "react";
import { useParams } from "react-router";
import type { Message } from "../api/client.ts";
import { ApiError } from "../api/problem.ts";
import { NotFoundPage } from "../pages/not-found-page.tsx";
import { useMe } from "../profile/queries.ts";
import { useApi } from "../services.tsx";
import { Avatar } from "../ui/avatar.tsx";
import { PageHeader } from "../ui/page-header.tsx";
import { Failure, ListSkeleton } from "../ui/states.tsx";
import { Ago } from "../ui/times.tsx";
import { MessageForm } from "./message-form.tsx";
import { conversationsQuery, messagesQuery } from "./queries.ts";

export default function ConversationPage() {
  const { conversation = "" } = useParams();
  const api = useApi();
  const messages = useInfiniteQuery(messagesQuery(api, conversation));
  const conversations = useInfiniteQuery(conversationsQuery(api));
  const me = useMe().data;
  const shown = (messages.data?.pages ?? []).flatMap((page) => page.items).toReversed();
  const other =
    conversations.data?.pages
      .flatMap((page) => page.items)
      .find(({ uuid }) => uuid === conversation) ??
    shown.find((message) => message.user_uuid !== me?.uuid);
  if (messages.error instanceof ApiError && [404, 422].includes(messages.error.status)) {
    return <NotFoundPage text="This conversation does not exist." />;
  }
  return (
    <div className="conversation">
      <PageHeader title={other?.display_name ?? "Conversation"} back="/messages" />
      {messages.isPending && <ListSkeleton />}
      {messages.isError && (
        <Failure error={messages.error} onRetry={() => void messages.refetch()} />
      )}
      {messages.data && (
        <>
          {messages.hasNextPage && (
            <button
              type="button"
              className="button button-quiet older"
              disabled={messages.isFetchingNextPage}
              onClick={() => void messages.fetchNextPage()}
            >
              {messages.isFetchingNextPage ? "Loading…" : "Show older messages"}
            </button>
          )}
          <Messages messages={shown} ownUuid={me?.uuid ?? ""} />
        </>
      )}
      <div className="conversation-form">
        <MessageForm key={conversation} recipient={{ message_group_uuid: conversation }} />
      </div>
      <End newest={shown.at(-1)?.uuid} />
    </div>
  );
}

/** The end of the conversation below the form, which would cover the newest message otherwise. */
function End({ newest }: { newest: string | undefined }) {
  const end = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (newest) {
      end.current?.scrollIntoView?.({ block: "end" });
    }
  }, [newest]);
  return <div ref={end} className="conversation-end" />;
}

function Messages({ messages, ownUuid }: { messages: readonly Message[]; ownUuid: string }) {
  return (
    <ol className="messages" aria-label="Messages">
      {messages.map((message) => (
        <li
          key={message.uuid}
          className={message.user_uuid === ownUuid ? "message message-own" : "message"}
        >
          {message.user_uuid !== ownUuid && (
            <Avatar url={message.avatar_url} handle={message.handle} size="small" />
          )}
          <div className="bubble">
            <p className="hidden">{message.display_name}:</p>
            <p className="text" dir="auto">
              {message.message}
            </p>
            <p className="bubble-time">
              <Ago time={message.created_at} />
            </p>
          </div>
        </li>
      ))}
    </ol>
  );
}
