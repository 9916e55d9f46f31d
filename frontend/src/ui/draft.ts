import { useCallback, useState } from "react";

export type Draft = ReturnType<typeof useDraft>;

/**
 * What was typed and chosen, and not sent yet.
 *
 * `sent` is the content of the last attempt, and its key.
 */
type StoredDraft = Readonly<{
  text: string;
  option?: string;
  sent?: Readonly<{ content: string; key: string }>;
}>;

const EMPTY: StoredDraft = { text: "" };

/**
 * Keep a draft in the storage of this tab: a reload or a lost connection loses nothing.
 *
 * `keyOf` returns the idempotency key for some content: the key of the last attempt if the content
 * is unchanged, so that the API recognizes a repeated attempt, and otherwise a new key.
 */
export function useDraft(name: string) {
  const storageKey = `cruddur.draft.${name}`;
  const [draft, setDraft] = useState(() => read(storageKey));
  const change = useCallback(
    (next: StoredDraft) => {
      setDraft(next);
      write(storageKey, next);
    },
    [storageKey],
  );
  return {
    text: draft.text,
    setText: (text: string) => change({ ...draft, text }),
    option: draft.option,
    setOption: (option: string) => change({ ...draft, option }),
    /** Remove the text, which was sent; what was chosen stays for the next one. */
    clear: () => change(draft.option ? { text: "", option: draft.option } : EMPTY),
    keyOf: (content: string) => {
      if (draft.sent?.content === content) {
        return draft.sent.key;
      }
      const key = crypto.randomUUID();
      change({ ...draft, sent: { content, key } });
      return key;
    },
  };
}

function read(storageKey: string): StoredDraft {
  try {
    const stored: unknown = JSON.parse(sessionStorage.getItem(storageKey) ?? "null");
    return isStoredDraft(stored) ? stored : EMPTY;
  } catch {
    return EMPTY;
  }
}

function write(storageKey: string, draft: StoredDraft): void {
  if (draft.text === "" && !draft.option && !draft.sent) {
    sessionStorage.removeItem(storageKey);
  } else {
    sessionStorage.setItem(storageKey, JSON.stringify(draft));
  }
}

function isStoredDraft(value: unknown): value is StoredDraft {
  return (
    typeof value === "object" && value !== null && "text" in value && typeof value.text === "string"
  );
}
