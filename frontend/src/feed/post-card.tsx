import type { ComponentType } from "react";
import { Link, useNavigate } from "react-router";
import { useSession } from "../services.tsx";
import { Avatar } from "../ui/avatar.tsx";
import { LikeIcon, ReplyIcon, RepostIcon, ShareIcon } from "../ui/icons.tsx";
import { useNotice } from "../ui/notices.tsx";
import { Ago, Remaining, useRemaining } from "../ui/times.tsx";
import { UserLink } from "../ui/user-link.tsx";
import type { ListedPost } from "./cached-posts.ts";
import { REACTIONS, type Reaction, useReaction } from "./reactions.ts";

/** A post in a list, or at the top of its own page. An expired post is not shown. */
export function PostCard({ post, isMain = false }: { post: ListedPost; isMain?: boolean }) {
  const remaining = useRemaining(post.expires_at);
  if (remaining === 0) {
    return null;
  }
  const author = `/@${post.handle}`;
  const page = `${author}/status/${post.uuid}`;
  return (
    <article className={`post ${isMain ? "post-main" : ""}`} aria-busy={post.pending ?? false}>
      <Link className="post-avatar" to={author} tabIndex={-1} aria-hidden="true">
        <Avatar url={post.avatar_url} handle={post.handle} size="medium" />
      </Link>
      <div className="post-body">
        <p className="byline">
          <UserLink handle={post.handle} name={post.display_name} />
          {post.pending ? (
            <span className="muted">Sending…</span>
          ) : (
            <Link className={isMain ? "when" : "when stretched"} to={page}>
              <span className="hidden">Open the post, </span>
              <Ago time={post.created_at} />
            </Link>
          )}
          <Remaining milliseconds={remaining} />
        </p>
        <p className="text" dir="auto">
          {post.message}
        </p>
        {!post.pending && <Actions post={post} page={page} />}
      </div>
    </article>
  );
}

function Actions({ post, page }: { post: ListedPost; page: string }) {
  return (
    <div className="actions">
      <Link
        className="action"
        to={page}
        state={{ reply: true }}
        aria-label={`Reply, ${post.replies_count} ${post.replies_count === 1 ? "reply" : "replies"}`}
      >
        <ReplyIcon />
        <Count value={post.replies_count} />
      </Link>
      <ReactionButton post={post} reaction="repost" name="Repost" Icon={RepostIcon} />
      <ReactionButton post={post} reaction="like" name="Like" Icon={LikeIcon} />
      <ShareButton page={page} />
    </div>
  );
}

type ReactionProperties = Readonly<{
  post: ListedPost;
  reaction: Reaction;
  name: string;
  Icon: ComponentType;
}>;

function ReactionButton({ post, reaction, name, Icon }: ReactionProperties) {
  const on = post[REACTIONS[reaction].flag];
  const count = post[REACTIONS[reaction].count];
  const { mutate } = useReaction(post.uuid, reaction);
  const session = useSession();
  const navigate = useNavigate();
  const isAnonymous = session.status === "anonymous";
  return (
    <button
      type="button"
      className={`action action-${reaction}`}
      aria-pressed={on}
      aria-label={`${name}, ${count} ${count === 1 ? reaction : `${reaction}s`}`}
      onClick={() => (isAnonymous ? void navigate("/signin") : mutate(!on))}
    >
      <Icon />
      <Count value={count} />
    </button>
  );
}

function ShareButton({ page }: { page: string }) {
  const notice = useNotice();
  const share = async () => {
    const url = new URL(page, window.location.origin).href;
    try {
      await navigator.clipboard.writeText(url);
      notice("The link was copied.");
    } catch {
      notice(url);
    }
  };
  return (
    <button
      type="button"
      className="action"
      aria-label="Copy the link"
      onClick={() => void share()}
    >
      <ShareIcon />
    </button>
  );
}

/** A count in compact notation, such as 1.2K for 1234 and 9.9K for 9999. Zero is not shown. */
function Count({ value }: { value: number }) {
  const compact = new Intl.NumberFormat(undefined, { notation: "compact", roundingMode: "trunc" });
  return <span className="count">{value > 0 ? compact.format(value) : ""}</span>;
}
