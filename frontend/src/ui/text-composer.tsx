import { type FormEvent, type KeyboardEvent, type ReactNode, type Ref, useId } from "react";
import { charactersOf } from "../api/limits.ts";
import type { Draft } from "./draft.ts";
import { FormErrors } from "./states.tsx";

/** The state of a request; it `isPaused` while there is no network, and is sent after that. */
type Sending = Readonly<{ isPending: boolean; isPaused: boolean; error: unknown }>;

type Properties = Readonly<{
  label: string;
  placeholder: string;
  action: string;
  draft: Pick<Draft, "text" | "setText">;
  limit: number;
  rows: number;
  sending: Sending;
  onSend: () => void;
  children?: ReactNode;
  ref?: Ref<HTMLTextAreaElement>;
}>;

/** The text field of a post, a reply or a message, with a limit and a button. Ctrl+Enter sends it. */
export function TextComposer(properties: Properties) {
  const { label, action, draft, limit, sending, onSend } = properties;
  const id = useId();
  const left = limit - charactersOf(draft.text);
  const canSend = draft.text.trim() !== "" && left >= 0 && !sending.isPending;
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
        value={draft.text}
        readOnly={sending.isPending}
        aria-describedby={`${id}-left`}
        aria-invalid={left < 0}
        onChange={(event) => draft.setText(event.target.value)}
        onKeyDown={onKeyDown}
      />
      <FormErrors error={sending.error} />
      <div className="composer-bar">
        {properties.children}
        <span id={`${id}-left`} className={left < 0 ? "left left-over" : "left"}>
          {left}
          <span className="hidden"> characters left</span>
        </span>
        <button type="submit" className="button" disabled={!canSend}>
          {sending.isPaused ? "Waiting…" : sending.isPending ? "Sending…" : action}
        </button>
      </div>
    </form>
  );
}
