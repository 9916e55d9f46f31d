import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useSearchParams } from "react-router";
import { Field } from "../ui/field.tsx";
import { PageHeader } from "../ui/page-header.tsx";
import { AccountForm } from "./account-form.tsx";
import { CodeField, EmailField, NewPasswordField } from "./fields.tsx";
import { useSignIn } from "./use-sign-in.ts";

/** Choose a new password, with a code that is sent to the address of the account. */
export default function RecoverPage() {
  const { requestReset } = useSignIn();
  const [parameters] = useSearchParams();
  const [email, setEmail] = useState(parameters.get("email") ?? "");
  const request = useMutation({ mutationFn: () => requestReset(email.trim()), retry: false });
  return (
    <>
      <PageHeader title="Recover your password" back="/signin" />
      {request.isSuccess ? (
        <NewPassword email={email.trim()} />
      ) : (
        <AccountForm
          submitLabel="Send a code"
          isSending={request.isPending}
          error={request.error}
          onSubmit={() => request.mutate()}
        >
          <EmailField value={email} onValue={setEmail} />
        </AccountForm>
      )}
    </>
  );
}

function NewPassword({ email }: { email: string }) {
  const { reset } = useSignIn();
  const [code, setCode] = useState("");
  const [password, setPassword] = useState("");
  const [repeated, setRepeated] = useState("");
  const isDifferent = repeated !== "" && repeated !== password;
  const change = useMutation({ mutationFn: () => reset(email, code, password), retry: false });
  if (change.isSuccess) {
    return (
      <div className="form" role="status">
        <p>Your password was changed.</p>
        <Link className="button" to="/signin">
          Sign in
        </Link>
      </div>
    );
  }
  return (
    <AccountForm
      submitLabel="Change the password"
      isSending={change.isPending}
      error={change.error}
      onSubmit={() => repeated === password && change.mutate()}
    >
      <p>If there is an account with the address {email}, a code was sent to it.</p>
      <CodeField value={code} onValue={setCode} />
      <NewPasswordField value={password} onValue={setPassword} />
      <Field
        label="Repeat the new password"
        type="password"
        autoComplete="new-password"
        required
        error={isDifferent ? "The two passwords are different." : ""}
        value={repeated}
        onValue={setRepeated}
      />
    </AccountForm>
  );
}
