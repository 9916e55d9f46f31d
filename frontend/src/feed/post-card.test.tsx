// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, cleanup, render, screen } from "@testing-library/react";
import { MemoryRouter } from "react-router";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type Services, ServicesProvider } from "../services.tsx";
import { post } from "./example-post.ts";
import { PostCard } from "./post-card.tsx";

const NOW = Date.UTC(2026, 10, 30, 12);
const MINUTE = 60_000;

beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
});
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

function show(shown: ReturnType<typeof post>) {
  const anonymous = { status: "anonymous" as const };
  const services = {
    configuration: { assets: "https://assets.example:8443" },
    session: { subscribe: () => () => undefined, current: () => anonymous },
  } as unknown as Services;
  return render(
    <ServicesProvider services={services}>
      <QueryClientProvider client={new QueryClient()}>
        <MemoryRouter>
          <PostCard post={shown} />
        </MemoryRouter>
      </QueryClientProvider>
    </ServicesProvider>,
  );
}

/** Let time pass, second by second, so that each timer is set again. */
function pass(seconds: number): void {
  for (let second = 0; second < seconds; second += 1) {
    act(() => vi.advanceTimersByTime(1000));
  }
}

it("updates the time that is left, and disappears when there is none", () => {
  show({ ...post("a"), expires_at: new Date(NOW + 2 * MINUTE).toISOString() });
  const isShown = (text: string) => screen.queryByText(text) !== null;
  const atFirst = isShown("Expires in 2 minutes");
  pass(60);
  const later = isShown("Expires in 1 minute");
  pass(59);
  const last = isShown("Expires in 1 second");
  pass(1);

  expect([atFirst, later, last]).toEqual([true, true, true]);
  expect(screen.queryByRole("article")).toBeNull();
});

it("shows texts of users as text", () => {
  const { container } = show({
    ...post("a"),
    message: "<b>bold</b> https://evil.example",
    display_name: "<img src=x>",
  });

  expect(screen.getByText("<b>bold</b> https://evil.example")).toBeTruthy();
  expect(screen.getByText("<img src=x>")).toBeTruthy();
  expect(container.querySelectorAll("b, a[href*='evil']")).toHaveLength(0);
});

it("loads pictures from the host of the environment", () => {
  const { container } = show({
    ...post("a"),
    avatar_url: "https://assets.example/avatars/1.jpg?v=2",
  });

  expect(container.querySelector("img")?.getAttribute("src")).toBe(
    "https://assets.example:8443/avatars/1.jpg?v=2",
  );
});

it("names its actions with their counts", () => {
  show({ ...post("a"), likes_count: 1234, liked: true });

  const like = screen.getByRole("button", { name: "Like, 1234 likes" });
  expect(like.getAttribute("aria-pressed")).toBe("true");
  expect(like.textContent).toBe("1.2K");
});

it("never shows more than was counted", () => {
  show({ ...post("a"), likes_count: 9999 });

  expect(screen.getByRole("button", { name: "Like, 9999 likes" }).textContent).toBe("9.9K");
});
