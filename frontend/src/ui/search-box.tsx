import { type FormEvent, useState } from "react";
import { useLocation, useNavigate } from "react-router";
import { TERM_CHARACTERS } from "../api/limits.ts";
import { SearchIcon } from "./icons.tsx";

/** A search field beside every page but the one with the results. */
export function SearchBox() {
  const navigate = useNavigate();
  const { pathname } = useLocation();
  const [term, setTerm] = useState("");
  if (pathname === "/search") {
    return null;
  }
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (term.trim()) {
      setTerm("");
      void navigate(`/search?q=${encodeURIComponent(term.trim())}`);
    }
  };
  return (
    <search>
      <form className="search" onSubmit={submit}>
        <SearchIcon />
        <input
          type="search"
          aria-label="Search Cruddur"
          placeholder="Search"
          maxLength={TERM_CHARACTERS}
          enterKeyHint="search"
          value={term}
          onChange={(event) => setTerm(event.target.value)}
        />
      </form>
    </search>
  );
}
