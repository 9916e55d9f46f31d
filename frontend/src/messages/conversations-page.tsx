import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import type { MessageGroup } from "../api/client.ts";
import { useApi } from "../services.tsx";
import { Avatar } from "../ui/avatar.tsx";
import { PageHeader } from "../ui/page-header.tsx";
import { PagedList } from "../ui/paged-list.tsx";
import { Empty } from "../ui/states.tsx";
import { Ago } from "../ui/times.tsx";
import { UserLink } from "../ui/user-link.tsx";
import { conversationsQuery } from "./queries.ts";

export default function ConversationsPage() {
  const conversations = useInfiniteQuery(conversationsQuery(useApi()));
  return (
    <>
      <PageHeader title="Messages">
        <Link className="button page-action" to="/messages/new">
          New message
        </Link>
      </PageHeader>
      <PagedList
        label="Conversations"
        query={conversations}
        idOf={(conversation) => conversation.uuid}
        render={(conversation) => <ConversationItem conversation={conversation} />}
        empty={
          <Empty title="You have no messages">
            <p>Only you and the other person can read a message.</p>
          </Empty>
        }
      />
    </>
  );
}

function ConversationItem({ conversation }: { conversation: MessageGroup }) {
  return (
    <article className="post">
      <span className="post-avatar">
        <Avatar url={conversation.avatar_url} handle={conversation.handle} size="medium" />
      </span>
      <div className="post-body">
        <p className="byline">
          <UserLink
            handle={conversation.handle}
            name={conversation.display_name}
            to={`/messages/${conversation.uuid}`}
            isStretched
          />
          <span className="when">
            <Ago time={conversation.created_at} />
          </span>
        </p>
        <p className="text text-short muted" dir="auto">
          {conversation.message}
        </p>
      </div>
    </article>
  );
}
