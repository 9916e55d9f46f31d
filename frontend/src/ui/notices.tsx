import { createContext, type ReactNode, useCallback, useContext, useEffect, useState } from "react";

const SHOWN_MS = 6000;

type Show = (text: string) => void;
const Context = createContext<Show>(() => undefined);

/** A region at the edge of the page with short messages, which screen readers announce. */
export function NoticesProvider({ children }: { children: ReactNode }) {
  const [notice, setNotice] = useState({ text: "", count: 0 });
  const show = useCallback<Show>(
    (text) => setNotice(({ count }) => ({ text, count: count + 1 })),
    [],
  );
  useEffect(() => {
    if (!notice.text) {
      return;
    }
    const timer = setTimeout(() => setNotice((shown) => ({ ...shown, text: "" })), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [notice]);
  return (
    <Context value={show}>
      {children}
      <div className="notices" role="status">
        {notice.text && <p key={notice.count}>{notice.text}</p>}
      </div>
    </Context>
  );
}

export function useNotice(): Show {
  return useContext(Context);
}
