// @vitest-environment happy-dom
import { QueryClientProvider } from "@tanstack/react-query";
import { cleanup, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createApi } from "../api/client.ts";
import { ApiError } from "../api/problem.ts";
import { createQueryClient } from "../api/queries.ts";
import { HOME_KEY } from "../feed/queries.ts";
import { type Services, ServicesProvider } from "../services.tsx";
import { PostForm } from "./post-form.tsx";

type Sent = Readonly<{ message: string; ttl: string; idempotency_key: string }>;

const ME = {
  uuid: "1",
  handle: "ada",
  display_name: "Ada",
  avatar_url: "",
  bio: "",
  profile_version: 1,
};
let sent: Sent[];
let answers: (() => Promise<Response>)[];

beforeEach(() => {
  sent = [];
  answers = [];
  sessionStorage.clear();
});
afterEach(cleanup);

async function api(request: Request): Promise<Response> {
  if (request.method === "GET") {
    return Response.json(ME);
  }
  sent.push((await request.json()) as Sent);
  return (await answers.shift()?.()) ?? Response.json({});
}

function created(): Promise<Response> {
  return Promise.resolve(Response.json({ ...ME, uuid: "created", message: "Hello" }));
}

function refused(): Promise<Response> {
  return Promise.reject(new ApiError(422, [{ code: "message_invalid", field: "message" }], null));
}

function show() {
  const client = createQueryClient();
  client.setQueryData(["me"], ME);
  client.setQueryData(HOME_KEY, {
    pages: [{ items: [], next_cursor: null }],
    pageParams: [null],
  });
  const state = { status: "signed-in" as const };
  const services = {
    session: { subscribe: () => () => undefined, current: () => state },
    api: createApi({ api: "https://api.example" }, api),
  } as unknown as Services;
  const shown = render(
    <ServicesProvider services={services}>
      <QueryClientProvider client={client}>
        <PostForm />
      </QueryClientProvider>
    </ServicesProvider>,
  );
  const feed = () =>
    client.getQueryData<{ pages: { items: { message: string }[] }[] }>(HOME_KEY)?.pages[0]?.items;
  return { ...shown, feed };
}

const field = () => screen.getByRole<HTMLTextAreaElement>("textbox", { name: "New post" });
const button = () => screen.getByRole<HTMLButtonElement>("button", { name: /Post|Sending/ });

it("is empty after a post was sent, and the post is in the feed", async () => {
  answers = [created];
  const { feed } = show();
  await userEvent.type(field(), "Hello");
  await userEvent.click(button());
  await waitFor(() => expect(field().value).toBe(""));

  expect(sent.map(({ message, ttl }) => [message, ttl])).toEqual([["Hello", "7-days"]]);
  expect(feed()?.map((post) => post.message)).toEqual(["Hello"]);
});

it("shows the post at once, and removes it if it is refused; the text is kept", async () => {
  let refuse: () => void = () => undefined;
  answers = [() => new Promise<void>((resolve) => (refuse = resolve)).then(refused)];
  const { feed } = show();
  await userEvent.type(field(), "Hello");
  await userEvent.click(button());
  await waitFor(() => expect(sent).toHaveLength(1));
  const pending = feed()?.map((post) => post.message);
  refuse();
  await screen.findByText("This text has characters that are not allowed.");

  expect(pending).toEqual(["Hello"]);
  expect(feed()).toEqual([]);
  expect(field().value).toBe("Hello");
});

it("uses the same key for the same post after a reload, and another for another text", async () => {
  answers = [refused, refused, refused];
  const first = show();
  await userEvent.selectOptions(screen.getByLabelText("Expires after"), "1-hour");
  await userEvent.type(field(), "Hello");
  await userEvent.click(button());
  await screen.findByText(/not allowed/);
  first.unmount();
  show();
  await userEvent.click(button());
  await screen.findByText(/not allowed/);
  await userEvent.type(field(), "!");
  await userEvent.click(button());
  await waitFor(() => expect(sent).toHaveLength(3));

  expect(sent.map((post) => post.ttl)).toEqual(["1-hour", "1-hour", "1-hour"]);
  const [one, two, three] = sent.map((post) => post.idempotency_key);
  expect(two).toBe(one);
  expect(three).not.toBe(one);
});

it("counts characters as the API does, and sends no text that is too long", async () => {
  show();
  await userEvent.click(field());
  await userEvent.paste("😀".repeat(281));

  expect(screen.getByText("-1")).toBeTruthy();
  expect(button().disabled).toBe(true);
});

it("retries a lost connection with the same key", async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  const { NetworkError } = await import("../api/problem.ts");
  answers = [() => Promise.reject(new NetworkError("")), created];
  show();
  const user = userEvent.setup({ advanceTimers: vi.advanceTimersByTime });
  await user.type(field(), "Hello");
  await user.click(button());
  await vi.advanceTimersByTimeAsync(1000);
  await waitFor(() => expect(sent).toHaveLength(2));
  vi.useRealTimers();

  expect(sent[1]).toEqual(sent[0]);
});
