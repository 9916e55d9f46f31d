import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useNavigate, useSearchParams } from "react-router";
import { useNotice } from "../ui/notices.tsx";
import { PageHeader } from "../ui/page-header.tsx";
import { AccountForm } from "./account-form.tsx";
import { CodeField, EmailField } from "./fields.tsx";
import { takePassword } from "./new-user.ts";
import { useNextStep, useSignIn } from "./use-sign-in.ts";

/** Enter the code that was sent to a new address, then sign in if the password is still in memory. */
export default function ConfirmPage() {
  const { authenticate, confirm, resend } = useSignIn();
  const [parameters] = useSearchParams();
  const navigate = useNavigate();
  const notice = useNotice();
  const [email, setEmail] = useState(parameters.get("email") ?? "");
  const [code, setCode] = useState("");
  const next = useNextStep(email);
  const confirmation = useMutation({
    mutationFn: async () => {
      await confirm(email.trim(), code);
      const password = takePassword(email.trim());
      if (password) {
        await next(await authenticate(email.trim(), password));
      } else {
        notice("Your address is confirmed. Sign in to begin.");
        await navigate("/signin");
      }
    },
    retry: false,
  });
  const resending = useMutation({
    mutationFn: () => resend(email.trim()),
    onSuccess: () => notice("A new code is on its way."),
    retry: false,
  });
  return (
    <>
      <PageHeader title="Confirm your email" back="/signin" />
      <AccountForm
        submitLabel="Confirm"
        isSending={confirmation.isPending}
        error={confirmation.error ?? resending.error}
        onSubmit={() => {
          resending.reset();
          confirmation.mutate();
        }}
        footer={
          <button
            type="button"
            className="link"
            disabled={resending.isPending || email.trim() === ""}
            onClick={() => {
              confirmation.reset();
              resending.mutate();
            }}
          >
            Send a new code
          </button>
        }
      >
        <p>A code of six digits was sent to your email address.</p>
        <EmailField value={email} onValue={setEmail} />
        <CodeField value={code} onValue={setCode} />
      </AccountForm>
    </>
  );
}
