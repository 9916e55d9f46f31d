import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type ChangeEvent, useId, useRef, useState } from "react";
import type { OwnProfile } from "../api/client.ts";
import { textsOf, UPLOAD_TEXTS } from "../errors.ts";
import { useApi, useServices } from "../services.tsx";
import { Avatar } from "../ui/avatar.tsx";
import { useNotice } from "../ui/notices.tsx";
import { FormErrors } from "../ui/states.tsx";
import { type Crop, largestCrop } from "./crop.ts";
import { CropPreview } from "./crop-preview.tsx";
import { showNewAvatar } from "./new-avatar.ts";
import { ACCEPTED_TYPES, decode, encode, PictureError } from "./picture.ts";
import { meQuery } from "./queries.ts";
import { uploadAvatar } from "./upload.ts";

type Properties = Readonly<{
  profile: OwnProfile;
  /** Called with true while a picture is chosen that was neither uploaded nor cancelled. */
  onEditing: (isEditing: boolean) => void;
}>;

/** Choose, crop and upload a picture. */
export function AvatarEditor({ profile, onEditing }: Properties) {
  const input = useRef<HTMLInputElement>(null);
  const inputId = useId();
  const [picture, setChosenPicture] = useState<ImageBitmap | null>(null);
  const setPicture = (chosen: ImageBitmap | null) => {
    setChosenPicture(chosen);
    onEditing(chosen !== null);
  };
  const [crop, setCrop] = useState<Crop>({ x: 0, y: 0, side: 1 });
  const [error, setError] = useState<unknown>(null);
  const upload = useUpload(profile, () => setPicture(null));
  const choose = async (event: ChangeEvent<HTMLInputElement>) => {
    const file = event.target.files?.[0];
    event.target.value = ""; // The same file can be chosen again.
    if (!file) {
      return;
    }
    setError(null);
    upload.reset();
    try {
      const decoded = await decode(file);
      setCrop(largestCrop(decoded));
      setPicture(decoded);
    } catch (failure) {
      setPicture(null);
      setError(failure);
    }
  };
  return (
    <section className="form avatar-editor" aria-label="Picture">
      {picture ? (
        <CropPreview picture={picture} crop={crop} onCrop={setCrop} />
      ) : (
        <Avatar url={profile.avatar_url} handle={profile.handle} size="large" />
      )}
      <div className="row">
        <input
          ref={input}
          id={inputId}
          className="hidden"
          type="file"
          accept={ACCEPTED_TYPES.join()}
          onChange={(event) => void choose(event)}
        />
        <label className="button button-quiet" htmlFor={inputId}>
          {picture ? "Choose another picture" : "Choose a picture"}
        </label>
        {picture && (
          <>
            <button
              type="button"
              className="button"
              disabled={upload.isPending}
              onClick={() => upload.mutate({ picture, crop })}
            >
              {upload.isPending ? "Uploading…" : "Use this picture"}
            </button>
            <button
              type="button"
              className="button button-quiet"
              disabled={upload.isPending}
              onClick={() => setPicture(null)}
            >
              Cancel
            </button>
          </>
        )}
      </div>
      {upload.isPending && <progress aria-label="Upload" value={upload.progress} max={1} />}
      <FormErrors error={upload.error ?? error} textsOfError={textsOfError} />
    </section>
  );
}

function textsOfError(error: unknown): string[] {
  return error instanceof PictureError ? [error.message] : textsOf(error, UPLOAD_TEXTS);
}

const THUMBNAIL_ATTEMPTS = 15;
const THUMBNAIL_INTERVAL_MS = 2000;

/** Upload a picture, show it at once, and read the profile until it has the new address. */
function useUpload(profile: OwnProfile, onDone: () => void) {
  const { configuration, session } = useServices();
  const api = useApi();
  const client = useQueryClient();
  const notice = useNotice();
  const [progress, setProgress] = useState(0);
  const mutation = useMutation({
    mutationFn: async ({ picture, crop }: { picture: ImageBitmap; crop: Crop }) => {
      setProgress(0);
      const blob = await encode(picture, crop);
      await uploadAvatar(configuration, session, blob, setProgress);
      return blob;
    },
    onSuccess: (blob) => {
      showNewAvatar({ handle: profile.handle, url: URL.createObjectURL(blob) });
      notice("Your picture was changed.");
      onDone();
      void waitForThumbnail();
    },
  });
  const waitForThumbnail = async () => {
    for (let attempt = 0; attempt < THUMBNAIL_ATTEMPTS; attempt += 1) {
      await new Promise((resolve) => setTimeout(resolve, THUMBNAIL_INTERVAL_MS));
      const current = await client.fetchQuery({ ...meQuery(api), staleTime: 0 }).catch(() => null);
      if (current && current.avatar_url !== profile.avatar_url) {
        await client.invalidateQueries({ queryKey: ["posts"] });
        return;
      }
    }
  };
  return { ...mutation, progress };
}
