import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { Link, useNavigate, useParams } from "react-router";
import { type Api, body } from "../api/client.ts";
import { HANDLE, HANDLE_CHARACTERS } from "../api/limits.ts";
import { HANDLE_INVALID } from "../errors.ts";
import { useMe } from "../profile/queries.ts";
import { useApi } from "../services.tsx";
import { Avatar } from "../ui/avatar.tsx";
import { Field } from "../ui/field.tsx";
import { PageHeader } from "../ui/page-header.tsx";
import { Failure } from "../ui/states.tsx";
import { UserLink } from "../ui/user-link.tsx";
import { MessageForm } from "./message-form.tsx";

/** Start a conversation: first choose the user, unless the address has a handle. */
export default function NewConversationPage() {
  const { handle = "" } = useParams();
  return (
    <>
      <PageHeader title="New message" back="/messages" />
      {HANDLE.test(handle) ? <FirstMessage key={handle} handle={handle} /> : <ChooseUser />}
    </>
  );
}

function ChooseUser() {
  const navigate = useNavigate();
  const [handle, setHandle] = useState("");
  const name = handle.trim().replace(/^@/, "");
  const isValid = HANDLE.test(name);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isValid) {
      void navigate(`/messages/new/${name}`);
    }
  };
  return (
    <form className="form" onSubmit={submit}>
      <Field
        label="To"
        hint="The handle of a user, such as @andrewbrown"
        error={name !== "" && !isValid ? HANDLE_INVALID : ""}
        value={handle}
        onValue={setHandle}
        autoCapitalize="none"
        autoComplete="off"
        spellCheck={false}
        maxLength={1 + HANDLE_CHARACTERS}
      />
      <button type="submit" className="button" disabled={!isValid}>
        Next
      </button>
    </form>
  );
}

function FirstMessage({ handle }: { handle: string }) {
  const navigate = useNavigate();
  const user = useQuery(userQuery(useApi(), handle));
  const me = useMe().data;
  if (user.isError) {
    return (
      <>
        <Failure error={user.error} onRetry={() => void user.refetch()} />
        <p className="form">
          <Link to="/messages/new">Choose another user</Link>
        </p>
      </>
    );
  }
  if (user.data && me && user.data.uuid === me.uuid) {
    return <p className="form">You cannot send messages to yourself.</p>;
  }
  return (
    <>
      <div className="recipient">
        <Avatar url={user.data?.avatar_url ?? ""} handle={handle} size="medium" />
        <p className="byline">
          <UserLink
            handle={user.data?.handle ?? handle}
            name={user.data?.display_name ?? handle}
            to={`/@${handle}`}
          />
        </p>
      </div>
      <MessageForm
        recipient={{ handle }}
        onSent={(message) =>
          void navigate(`/messages/${message.message_group_uuid}`, { replace: true })
        }
      />
    </>
  );
}

function userQuery(api: Api, handle: string) {
  return {
    queryKey: ["user", handle.toLowerCase()],
    queryFn: ({ signal }: { signal: AbortSignal }) =>
      body(api.GET("/api/users/@{handle}/short", { params: { path: { handle } }, signal })),
  };
}
