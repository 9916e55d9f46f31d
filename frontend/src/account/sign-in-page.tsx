import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router";
import { PageHeader } from "../ui/page-header.tsx";
import { AccountForm } from "./account-form.tsx";
import { CodeField, EmailField, PasswordField } from "./fields.tsx";
import { useNextStep, useSignIn } from "./use-sign-in.ts";

export default function SignInPage() {
  const { authenticate, answer } = useSignIn();
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const next = useNextStep(email.trim());
  const signIn = useMutation({
    mutationFn: async () => {
      const step = await authenticate(email.trim(), password);
      await next(step);
      return step;
    },
    retry: false,
  });
  const confirm = useMutation({ mutationFn: async () => next(await answer(code)), retry: false });
  const needsCode = signIn.data?.step === "authenticator-code";
  return (
    <>
      <PageHeader title="Sign in" />
      {needsCode ? (
        <AccountForm
          submitLabel="Continue"
          isSending={confirm.isPending}
          error={confirm.error}
          onSubmit={() => confirm.mutate()}
        >
          <p>Enter the code of your authenticator app.</p>
          <CodeField value={code} onValue={setCode} />
        </AccountForm>
      ) : (
        <AccountForm
          submitLabel="Sign in"
          isSending={signIn.isPending}
          error={signIn.error}
          onSubmit={() => signIn.mutate()}
          footer={
            <>
              <Link to="/forgot">Forgot your password?</Link>
              <Link to="/signup">Create an account</Link>
            </>
          }
        >
          <EmailField value={email} onValue={setEmail} />
          <PasswordField value={password} onValue={setPassword} />
        </AccountForm>
      )}
    </>
  );
}
