import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { body, type Post } from "../api/client.ts";
import { TEXT_CHARACTERS } from "../api/limits.ts";
import { append, updatePost } from "../feed/cached-posts.ts";
import { useApi } from "../services.tsx";
import { useDraft } from "../ui/draft.ts";
import { TextComposer } from "../ui/text-composer.tsx";
import { threadKey } from "./queries.ts";

export function ReplyForm({ post, isFocused }: { post: Post; isFocused: boolean }) {
  const api = useApi();
  const client = useQueryClient();
  const draft = useDraft(`reply.${post.uuid}`);
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    if (isFocused) {
      field.current?.focus();
    }
  }, [isFocused]);
  const send = useMutation({
    mutationFn: (reply: { message: string; idempotency_key: string }) =>
      body(
        api.POST("/api/activities/{activity_uuid}/reply", {
          params: { path: { activity_uuid: post.uuid } },
          body: reply,
        }),
      ),
    onSuccess: (reply) => {
      append(client, threadKey(post.uuid), reply);
      updatePost(client, post.uuid, (replied) => ({
        ...replied,
        replies_count: replied.replies_count + 1,
      }));
      draft.clear();
      void client.invalidateQueries({ queryKey: threadKey(post.uuid) });
    },
  });
  return (
    <TextComposer
      ref={field}
      label="New reply"
      placeholder={`Reply to @${post.handle}`}
      action="Reply"
      limit={TEXT_CHARACTERS}
      rows={2}
      draft={draft}
      sending={send}
      onSend={() => send.mutate({ message: draft.text, idempotency_key: draft.keyOf(draft.text) })}
    />
  );
}
