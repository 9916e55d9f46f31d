import { type FormEvent, type KeyboardEvent, type ReactNode, type Ref, useId } from "react";
import { charactersOf } from "../post/limits.ts";
import { FormErrors } from "./states.tsx";

type Properties = Readonly<{
  label: string;
  placeholder: string;
  action: string;
  text: string;
  limit: number;
  rows: number;
  isSending: boolean;
  /** The browser has no network; the text is sent when it is back. */
  isWaiting: boolean;
  errors: readonly string[];
  onChange: (text: string) => void;
  onSend: () => void;
  children?: ReactNode;
  ref?: Ref<HTMLTextAreaElement>;
}>;

/** A text with a limit and a button: of a post, a reply or a message. Ctrl+Enter sends it. */
export function TextComposer(properties: Properties) {
  const { label, action, text, limit, isSending, isWaiting, errors, onChange, onSend } = properties;
  const id = useId();
  const left = limit - charactersOf(text);
  const canSend = text.trim() !== "" && left >= 0 && !isSending;
  const submit = (event?: FormEvent) => {
    event?.preventDefault();
    if (canSend) {
      onSend();
    }
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      submit();
    }
  };
  return (
    <form className="composer" onSubmit={submit} aria-label={label}>
      <label className="hidden" htmlFor={id}>
        {label}
      </label>
      <textarea
        id={id}
        ref={properties.ref}
        rows={properties.rows}
        dir="auto"
        placeholder={properties.placeholder}
        value={text}
        readOnly={isSending}
        aria-describedby={`${id}-left`}
        aria-invalid={left < 0}
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={onKeyDown}
      />
      <FormErrors texts={errors} />
      <div className="composer-bar">
        {properties.children}
        <span id={`${id}-left`} className={left < 0 ? "left left-over" : "left"}>
          {left}
          <span className="hidden"> characters left</span>
        </span>
        <button type="submit" className="button" disabled={!canSend}>
          {isWaiting ? "Waiting…" : isSending ? "Sending…" : action}
        </button>
      </div>
    </form>
  );
}
