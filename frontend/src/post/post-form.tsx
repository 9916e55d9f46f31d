import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useId } from "react";
import { body, type Lifetime, type OwnProfile } from "../api/client.ts";
import { DEFAULT_LIFETIME, LIFETIMES, POST_CHARACTERS } from "../api/limits.ts";
import { type ListedPost, prepend, remove, replace } from "../feed/cached-posts.ts";
import { HOME_KEY } from "../feed/queries.ts";
import { useMe } from "../profile/queries.ts";
import { useApi } from "../services.tsx";
import { useDraft } from "../ui/draft.ts";
import { TextComposer } from "../ui/text-composer.tsx";

type NewPost = Readonly<{ message: string; ttl: Lifetime; idempotency_key: string }>;

/** The form for a new post, which is in the feed at once, and removed if it cannot be sent. */
export function PostForm() {
  const draft = useDraft("post");
  const ttl = lifetimeOf(draft.option);
  const me = useMe().data;
  const send = useSendPost(me, draft.clear);
  const selectId = useId();
  return (
    <TextComposer
      label="New post"
      placeholder="What is going on?"
      action="Post"
      limit={POST_CHARACTERS}
      rows={3}
      draft={draft}
      sending={send}
      onSend={() =>
        send.mutate({
          message: draft.text,
          ttl,
          idempotency_key: draft.keyOf(JSON.stringify([draft.text, ttl])),
        })
      }
    >
      <label className="hidden" htmlFor={selectId}>
        Expires after
      </label>
      <select
        id={selectId}
        className="select"
        value={ttl}
        disabled={send.isPending}
        onChange={(event) => draft.setOption(event.target.value)}
      >
        {LIFETIMES.map(({ value, name }) => (
          <option key={value} value={value}>
            {name}
          </option>
        ))}
      </select>
    </TextComposer>
  );
}

function lifetimeOf(option: string | undefined): Lifetime {
  return LIFETIMES.find(({ value }) => value === option)?.value ?? DEFAULT_LIFETIME;
}

function useSendPost(me: OwnProfile | undefined, onSent: () => void) {
  const api = useApi();
  const client = useQueryClient();
  return useMutation({
    mutationFn: (post: NewPost) => body(api.POST("/api/activities", { body: post })),
    onMutate: async (post) => {
      await client.cancelQueries({ queryKey: HOME_KEY });
      if (me) {
        prepend(client, HOME_KEY, pendingPost(me, post));
      }
    },
    onError: (_error, post) => remove(client, HOME_KEY, post.idempotency_key),
    onSuccess: (created, post) => {
      if (me) {
        replace(client, HOME_KEY, post.idempotency_key, created);
      }
      onSent();
      void client.invalidateQueries({ queryKey: HOME_KEY });
      void client.invalidateQueries({ queryKey: ["posts", "profile"] });
    },
  });
}

function pendingPost(me: OwnProfile, post: NewPost): ListedPost {
  return {
    uuid: post.idempotency_key,
    handle: me.handle,
    display_name: me.display_name,
    avatar_url: me.avatar_url,
    message: post.message,
    replies_count: 0,
    reposts_count: 0,
    likes_count: 0,
    liked: false,
    reposted: false,
    reply_to_activity_uuid: null,
    expires_at: null,
    created_at: new Date().toISOString(),
    pending: true,
  };
}
