import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { type Api, body, type Notification } from "../api/client.ts";
import { pagedQuery } from "../api/paged-query.ts";
import { PostCard } from "../feed/post-card.tsx";
import { useApi } from "../services.tsx";
import { MessageIcon } from "../ui/icons.tsx";
import { PageHeader } from "../ui/page-header.tsx";
import { PagedList } from "../ui/paged-list.tsx";
import { Empty } from "../ui/states.tsx";
import { Ago } from "../ui/times.tsx";
import { UserLink } from "../ui/user-link.tsx";

export default function NotificationsPage() {
  const notifications = useInfiniteQuery(notificationsQuery(useApi()));
  return (
    <>
      <PageHeader title="Notifications" />
      <PagedList
        label="Notifications"
        query={notifications}
        idOf={(notification) => notification.uuid}
        render={(notification) => <NotificationItem notification={notification} />}
        empty={
          <Empty title="Nothing new">
            <p>Replies to your posts and new conversations are shown here.</p>
          </Empty>
        }
      />
    </>
  );
}

function NotificationItem({ notification }: { notification: Notification }) {
  if (notification.kind === "reply") {
    return (
      <>
        <p className="reason">Reply to your post</p>
        <PostCard post={notification.activity} />
      </>
    );
  }
  return (
    <article className="post">
      <span className="post-avatar badge">
        <MessageIcon />
      </span>
      <div className="post-body">
        <p className="byline">
          <UserLink handle={notification.handle} name={notification.display_name} />
          <Link className="when stretched" to={`/messages/${notification.uuid}`}>
            <span className="hidden">Open the conversation, </span>
            <Ago time={notification.created_at} />
          </Link>
        </p>
        <p className="muted">began a conversation with you</p>
        <p className="text text-short" dir="auto">
          {notification.message}
        </p>
      </div>
    </article>
  );
}

function notificationsQuery(api: Api) {
  return pagedQuery(["notifications"], (query, signal) =>
    body(api.GET("/api/activities/notifications", { params: { query }, signal })),
  );
}
