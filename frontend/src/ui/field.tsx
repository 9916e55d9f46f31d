import { type InputHTMLAttributes, type ReactNode, useId } from "react";

/** The text of a field, and the function that is called when the user changes it. */
export type FieldText = Readonly<{ value: string; onValue: (value: string) => void }>;

type Properties = Readonly<{ label: string; hint?: ReactNode; error?: string }> &
  FieldText &
  Omit<InputHTMLAttributes<HTMLInputElement>, "value" | "onChange">;

/** A labelled field of a form, with a hint and an error that screen readers read with it. */
export function Field({ label, hint, error, onValue, ...input }: Properties) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        aria-invalid={error ? true : undefined}
        aria-describedby={`${id}-hint`}
        onChange={(event) => onValue(event.target.value)}
        {...input}
      />
      <p id={`${id}-hint`} className={error ? "hint hint-error" : "hint"}>
        {error || hint}
      </p>
    </div>
  );
}
