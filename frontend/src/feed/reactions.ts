import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type Api, body, type Post, type Reactions } from "../api/client.ts";
import { textOf } from "../errors.ts";
import { useApi } from "../services.tsx";
import { useNotice } from "../ui/notices.tsx";
import { updatePost } from "./cached-posts.ts";

export type Reaction = "like" | "repost";

/**
 * Like or repost a post: shown at once, and undone if the API refuses it.
 *
 * The requests of a post are sent one after the other, so the last click decides.
 */
export function useReaction(uuid: string, reaction: Reaction) {
  const api = useApi();
  const client = useQueryClient();
  const notice = useNotice();
  const mutationKey = ["reaction", uuid, reaction];
  return useMutation({
    mutationKey,
    scope: { id: mutationKey.join() },
    mutationFn: (on: boolean) => send(api, uuid, reaction, on),
    onMutate: async (on) => {
      await client.cancelQueries({ queryKey: ["posts"] });
      updatePost(client, uuid, (post) => withReaction(post, reaction, on));
    },
    onError: (error, on) => {
      updatePost(client, uuid, (post) => withReaction(post, reaction, !on));
      notice(textOf(error));
    },
    onSuccess: (reactions) => {
      if (client.isMutating({ mutationKey }) === 1) {
        updatePost(client, uuid, (post) => ({ ...post, ...reactions }));
      }
    },
  });
}

export function withReaction(post: Post, reaction: Reaction, on: boolean): Post {
  if (reaction === "like") {
    return post.liked === on
      ? post
      : { ...post, liked: on, likes_count: post.likes_count + (on ? 1 : -1) };
  }
  return post.reposted === on
    ? post
    : { ...post, reposted: on, reposts_count: post.reposts_count + (on ? 1 : -1) };
}

function send(api: Api, uuid: string, reaction: Reaction, on: boolean): Promise<Reactions> {
  const options = { params: { path: { activity_uuid: uuid } } };
  if (reaction === "like") {
    const path = "/api/activities/{activity_uuid}/like";
    return on ? body(api.PUT(path, options)) : body(api.DELETE(path, options));
  }
  const path = "/api/activities/{activity_uuid}/repost";
  return on ? body(api.PUT(path, options)) : body(api.DELETE(path, options));
}
