import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useNavigate } from "react-router";
import type { Api } from "../api/client.ts";
import { HANDLE, HANDLE_CHARACTERS, NAME_CHARACTERS } from "../api/limits.ts";
import { ApiError } from "../api/problem.ts";
import { HANDLE_INVALID } from "../errors.ts";
import { useApi } from "../services.tsx";
import { Field } from "../ui/field.tsx";
import { PageHeader } from "../ui/page-header.tsx";
import { AccountForm } from "./account-form.tsx";
import { EmailField, NewPasswordField } from "./fields.tsx";
import { rememberNewUser } from "./new-user.ts";
import { useSignIn } from "./use-sign-in.ts";

export default function SignUpPage() {
  const { register } = useSignIn();
  const navigate = useNavigate();
  const [name, setName] = useState("");
  const [handle, setHandle] = useState("");
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const handleError = useHandleError(handle);
  const signUp = useMutation({
    mutationFn: async () => {
      const address = email.trim();
      await register({ name: name.trim(), handle, email: address, password });
      rememberNewUser(address, password);
      await navigate(`/confirm?email=${encodeURIComponent(address)}`);
    },
    retry: false,
  });
  return (
    <>
      <PageHeader title="Create an account" />
      <AccountForm
        submitLabel="Create the account"
        isSending={signUp.isPending}
        error={signUp.error}
        onSubmit={() => handleError === "" && signUp.mutate()}
        footer={
          <>
            <span>
              Do you have an account? <Link to="/signin">Sign in</Link>
            </span>
            <span className="muted">
              By creating an account you accept the <Link to="/terms">terms</Link>.
            </span>
          </>
        }
      >
        <Field
          label="Name"
          name="name"
          autoComplete="name"
          required
          maxLength={NAME_CHARACTERS}
          value={name}
          onValue={setName}
        />
        <Field
          label="Handle"
          name="handle"
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          required
          maxLength={HANDLE_CHARACTERS}
          hint="Letters, digits and underscores. It cannot be changed later."
          error={handleError}
          value={handle}
          onValue={(text) => setHandle(text.trim().replace(/^@/, ""))}
        />
        <EmailField value={email} onValue={setEmail} />
        <NewPasswordField value={password} onValue={setPassword} />
      </AccountForm>
    </>
  );
}

/** Return why a handle cannot be used, or an empty text. It is looked up while typing. */
function useHandleError(handle: string): string {
  const api = useApi();
  const isValid = HANDLE.test(handle);
  const taken = useQuery({
    queryKey: ["handle", handle.toLowerCase()],
    queryFn: ({ signal }) => isTaken(api, handle, signal),
    enabled: isValid,
    retry: false,
  });
  if (handle && !isValid) {
    return HANDLE_INVALID;
  }
  return taken.data ? "This handle is taken. Choose another one." : "";
}

async function isTaken(api: Api, handle: string, signal: AbortSignal): Promise<boolean> {
  try {
    await api.GET("/api/users/@{handle}/short", { params: { path: { handle } }, signal });
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) {
      return false;
    }
    throw error;
  }
}
