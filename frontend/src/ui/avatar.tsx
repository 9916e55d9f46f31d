import { useState } from "react";
import { useNewAvatar } from "../profile/new-avatar.ts";
import { useServices } from "../services.tsx";

type Properties = Readonly<{ url: string; handle: string; size: "small" | "medium" | "large" }>;

const PIXELS = { small: 32, medium: 44, large: 112 };

/** The picture of a user. It is next to their name, so it has no alternative text. */
export function Avatar({ url, handle, size }: Properties) {
  const { assets } = useServices().configuration;
  const source = useNewAvatar(handle) ?? atAssets(url, assets);
  const [broken, setBroken] = useState("");
  const className = `avatar avatar-${size}`;
  if (broken === source || !source) {
    return (
      <span className={className} aria-hidden="true">
        {handle.slice(0, 1).toUpperCase()}
      </span>
    );
  }
  const pixels = PIXELS[size];
  return (
    <img
      className={className}
      src={source}
      alt=""
      width={pixels}
      height={pixels}
      decoding="async"
      onError={() => setBroken(source)}
    />
  );
}

/** Return `url`, which the API returned, on the host `assets`, which may have another port. */
function atAssets(url: string, assets: string): string {
  const { pathname, search } = new URL(url || "/", assets);
  return url && `${assets}${pathname}${search}`;
}
