import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import { useNavigate } from "react-router";
import { body, type OwnProfile } from "../api/client.ts";
import { charactersOf, NAME_CHARACTERS, TEXT_CHARACTERS } from "../api/limits.ts";
import { ApiError } from "../api/problem.ts";
import { useApi } from "../services.tsx";
import { SignOutButton } from "../session/sign-out-button.tsx";
import { Field } from "../ui/field.tsx";
import { useNotice } from "../ui/notices.tsx";
import { PageHeader } from "../ui/page-header.tsx";
import { Failure, FormErrors, ListSkeleton } from "../ui/states.tsx";
import { AvatarEditor } from "./avatar-editor.tsx";
import { useMe } from "./queries.ts";

export default function EditProfilePage() {
  const me = useMe();
  const [isEditingPicture, setIsEditingPicture] = useState(false);
  return (
    <>
      <PageHeader title="Edit profile" back="/" />
      {me.isPending && <ListSkeleton />}
      {me.isError && <Failure error={me.error} onRetry={() => void me.refetch()} />}
      {me.data && (
        <>
          <AvatarEditor profile={me.data} onEditing={setIsEditingPicture} />
          <ProfileForm profile={me.data} isEditingPicture={isEditingPicture} />
        </>
      )}
      <div className="form small-screen-only">
        <SignOutButton className="button button-quiet" />
      </div>
    </>
  );
}

type FormProperties = Readonly<{ profile: OwnProfile; isEditingPicture: boolean }>;

/** The form of the texts. While a picture is being edited it cannot be saved: the picture would be
 * lost with the page. */
function ProfileForm({ profile, isEditingPicture }: FormProperties) {
  const [name, setName] = useState(profile.display_name);
  const [bio, setBio] = useState(profile.bio);
  const bioId = useId();
  const left = TEXT_CHARACTERS - charactersOf(bio);
  const save = useSaveProfile(profile);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate({ display_name: name.trim(), bio });
  };
  return (
    <form className="form" onSubmit={submit}>
      <Field
        label="Name"
        required
        maxLength={NAME_CHARACTERS}
        autoComplete="name"
        value={name}
        onValue={setName}
      />
      <div className="field">
        <label htmlFor={bioId}>Bio</label>
        <textarea
          id={bioId}
          rows={5}
          dir="auto"
          value={bio}
          aria-describedby={`${bioId}-left`}
          aria-invalid={left < 0}
          onChange={(event) => setBio(event.target.value)}
        />
        <p id={`${bioId}-left`} className={left < 0 ? "hint hint-error" : "hint"}>
          {left} characters left
        </p>
      </div>
      <FormErrors error={save.error} />
      {isEditingPicture && <p className="hint">Use or cancel the new picture before you save.</p>}
      <button
        type="submit"
        className="button"
        disabled={save.isPending || left < 0 || isEditingPicture}
      >
        {save.isPending ? "Saving…" : "Save"}
      </button>
    </form>
  );
}

/** Save the texts, unless another window has changed them since this form was opened. */
function useSaveProfile(profile: OwnProfile) {
  const api = useApi();
  const client = useQueryClient();
  const navigate = useNavigate();
  const notice = useNotice();
  return useMutation({
    mutationFn: (change: { display_name: string; bio: string }) =>
      body(
        api.PUT("/api/profile/update", {
          body: { ...change, profile_version: profile.profile_version },
        }),
      ),
    onSuccess: async (saved) => {
      client.setQueryData(["me"], saved);
      notice("Your profile was saved.");
      void client.invalidateQueries({ queryKey: ["posts"] });
      await navigate(`/@${saved.handle}`);
    },
    onError: (error) => {
      if (error instanceof ApiError && error.has("profile_version_outdated")) {
        void client.invalidateQueries({ queryKey: ["me"] });
      }
    },
  });
}
