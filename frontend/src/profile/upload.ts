import { NetworkError, problemOf } from "../api/problem.ts";
import type { Configuration } from "../configuration.ts";
import type { Session } from "../session/session.ts";

type Progress = (fraction: number) => void;

/** Upload a JPEG as the avatar of the user. Throw ApiError or NetworkError. */
export async function uploadAvatar(
  configuration: Configuration,
  session: Session,
  picture: Blob,
  onProgress: Progress,
): Promise<void> {
  const url = await uploadUrl(configuration, await session.accessToken(), picture.size);
  await put(url, picture, onProgress);
}

async function uploadUrl(
  configuration: Configuration,
  token: string | null,
  size: number,
): Promise<string> {
  const response = await fetch(`${configuration.uploads}/avatars/key_upload`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${token ?? ""}` },
    body: JSON.stringify({ extension: "jpg", size }),
  }).catch((error: unknown) => {
    throw new NetworkError(error);
  });
  if (!response.ok) {
    throw await problemOf(response);
  }
  const { url } = (await response.json()) as { url: string };
  return url;
}

/** `fetch` reports no progress of uploads, so this is an XMLHttpRequest. */
function put(url: string, picture: Blob, onProgress: Progress): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PUT", url);
    request.setRequestHeader("Content-Type", "image/jpeg");
    request.upload.onprogress = (event) => onProgress(event.loaded / event.total);
    request.onerror = () => reject(new NetworkError(request.statusText));
    request.onload = () => {
      if (request.status < 300) {
        resolve();
      } else {
        reject(new NetworkError(`status ${request.status}`));
      }
    };
    request.send(picture);
  });
}
