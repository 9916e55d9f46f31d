import { type InputHTMLAttributes, type ReactNode, useId } from "react";

type Properties = Readonly<{ label: string; hint?: ReactNode; error?: string }> &
  InputHTMLAttributes<HTMLInputElement>;

/** A labelled field of a form, with a hint and an error that screen readers read with it. */
export function Field({ label, hint, error, ...input }: Properties) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        aria-invalid={error ? true : undefined}
        aria-describedby={`${id}-hint`}
        {...input}
      />
      <p id={`${id}-hint`} className={error ? "hint hint-error" : "hint"}>
        {error || hint}
      </p>
    </div>
  );
}
