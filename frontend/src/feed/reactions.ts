import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type Api, body, type Post, type Reactions } from "../api/client.ts";
import { textOf } from "../errors.ts";
import { useApi } from "../services.tsx";
import { useNotice } from "../ui/notices.tsx";
import { updatePost } from "./cached-posts.ts";

/** The fields of a post with the reaction of the user, and with the number of all reactions. */
export const REACTIONS = {
  like: { flag: "liked", count: "likes_count" },
  repost: { flag: "reposted", count: "reposts_count" },
} as const;
export type Reaction = keyof typeof REACTIONS;

/**
 * Like or repost a post. The reaction is shown at once, and undone if the API refuses it.
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

/** Return `post` with or without the reaction of the user, and with the count that follows. */
export function withReaction(post: Post, reaction: Reaction, on: boolean): Post {
  const { flag, count } = REACTIONS[reaction];
  return post[flag] === on ? post : { ...post, [flag]: on, [count]: post[count] + (on ? 1 : -1) };
}

function send(api: Api, uuid: string, reaction: Reaction, on: boolean): Promise<Reactions> {
  const path = `/api/activities/{activity_uuid}/${reaction}` as const;
  const options = { params: { path: { activity_uuid: uuid } } };
  return body(on ? api.PUT(path, options) : api.DELETE(path, options));
}
