import { useSyncExternalStore } from "react";

/**
 * The picture that the user has just uploaded; `url` is an object URL of this page.
 *
 * It is shown until the page is closed: the API returns the address of the thumbnail only later.
 */
type NewAvatar = Readonly<{ handle: string; url: string }>;

let current: NewAvatar | null = null;
const listeners = new Set<() => void>();

export function showNewAvatar(avatar: NewAvatar | null): void {
  if (current) {
    URL.revokeObjectURL(current.url);
  }
  current = avatar;
  for (const listener of listeners) {
    listener();
  }
}

export function useNewAvatar(handle: string): string | null {
  const avatar = useSyncExternalStore(subscribe, () => current);
  return avatar?.handle === handle ? avatar.url : null;
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
