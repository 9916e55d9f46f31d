import { QueryClient } from "@tanstack/react-query";
import { beforeEach, expect, it } from "vitest";
import type { Post } from "../api/client.ts";
import { append, findPost, prepend, remove, replace, updatePost } from "./cached-posts.ts";
import { post } from "./example-post.ts";
import { withReaction } from "./reactions.ts";

const HOME = ["posts", "home"];
const THREAD = ["posts", "thread", "a"];
const NOTIFICATIONS = ["notifications"];
let client: QueryClient;

beforeEach(() => {
  client = new QueryClient();
  client.setQueryData(HOME, {
    pages: [
      { items: [post("a")], next_cursor: "x" },
      { items: [post("b")], next_cursor: null },
    ],
  });
  client.setQueryData(THREAD, {
    pages: [{ items: [post("b")], next_cursor: null, activity: post("a") }],
  });
  client.setQueryData(NOTIFICATIONS, {
    pages: [{ items: [{ kind: "reply", uuid: "n", activity: post("a") }], next_cursor: null }],
  });
});

function messages(key: readonly string[]): string[] {
  const data = client.getQueryData<{ pages: { items: Post[] }[] }>(key);
  return (data?.pages ?? []).flatMap((page) => page.items.map((item) => item.message));
}

it("changes a post in every list, thread and notification", () => {
  updatePost(client, "a", (found) => withReaction(found, "like", true));
  const text = JSON.stringify([HOME, THREAD, NOTIFICATIONS].map((key) => client.getQueryData(key)));

  expect(text.match(/"likes_count":2,"liked":true/g)).toHaveLength(3);
  expect(text.match(/"likes_count":1,"liked":false/g)).toHaveLength(2);
});

it("finds a post that any list has loaded", () => {
  expect(findPost(client, "b")?.message).toBe("b");
  expect(findPost(client, "z")).toBeUndefined();
});

it("shows a new post first, and replaces or removes it", () => {
  prepend(client, HOME, post("new"));
  const added = messages(HOME);
  replace(client, HOME, "new", post("stored"));
  const replaced = messages(HOME);
  remove(client, HOME, "stored");

  expect([added, replaced, messages(HOME)]).toEqual([
    ["new", "a", "b"],
    ["stored", "a", "b"],
    ["a", "b"],
  ]);
});

it("shows a new reply last, if the list is loaded to its end", () => {
  append(client, THREAD, post("reply"));
  client.setQueryData(HOME, { pages: [{ items: [post("a")], next_cursor: "x" }] });
  append(client, HOME, post("reply"));

  expect(messages(THREAD)).toEqual(["b", "reply"]);
  expect(messages(HOME)).toEqual(["a"]);
});

it("counts a reaction once, however often it is applied", () => {
  const liked = withReaction(withReaction(post("a"), "like", true), "like", true);
  const undone = withReaction(liked, "like", false);
  const reposted = withReaction(post("a"), "repost", true);

  expect([liked.likes_count, undone.likes_count, reposted.reposts_count]).toEqual([2, 1, 1]);
  expect(undone).toEqual(post("a"));
});
