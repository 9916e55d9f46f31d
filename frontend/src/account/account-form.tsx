import type { FormEvent, ReactNode } from "react";
import { FormErrors } from "../ui/states.tsx";

type Properties = Readonly<{
  submitLabel: string;
  isSending: boolean;
  error: unknown;
  onSubmit: () => void;
  children: ReactNode;
  /** Links below the button. */
  footer?: ReactNode;
}>;

/** A form of the pages for signing up and in: fields, errors, and a submit button. */
export function AccountForm({
  submitLabel,
  isSending,
  error,
  onSubmit,
  children,
  footer,
}: Properties) {
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!isSending) {
      onSubmit();
    }
  };
  return (
    <form className="form" onSubmit={submit}>
      {children}
      <FormErrors error={error} />
      <button type="submit" className="button button-wide" disabled={isSending}>
        {isSending ? "One moment…" : submitLabel}
      </button>
      {footer && <div className="form-footer">{footer}</div>}
    </form>
  );
}
