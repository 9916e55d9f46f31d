import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useSearchParams } from "react-router";
import { type Api, body } from "../api/client.ts";
import { TERM_CHARACTERS } from "../api/limits.ts";
import { pagedQuery } from "../api/paged-query.ts";
import { PostList } from "../feed/post-list.tsx";
import { useApi } from "../services.tsx";
import { SearchIcon } from "../ui/icons.tsx";
import { PageHeader } from "../ui/page-header.tsx";
import { Empty } from "../ui/states.tsx";

const DEBOUNCE_MS = 250; // Between the last key and the request.

/** Search posts while typing; the address has the term, so that it can be shared. */
export default function SearchPage() {
  const [parameters, setParameters] = useSearchParams();
  const [text, setText] = useState(parameters.get("q") ?? "");
  const term = useDebounced(text.trim());
  useEffect(() => {
    setParameters(term ? { q: term } : {}, { replace: true });
  }, [term, setParameters]);
  const posts = useInfiniteQuery({
    ...searchQuery(useApi(), term),
    enabled: term !== "",
    placeholderData: keepPreviousData,
  });
  return (
    <>
      <PageHeader title="Search" />
      <search className="search">
        <SearchIcon />
        <input
          type="search"
          aria-label="Search posts"
          placeholder="Search posts"
          maxLength={TERM_CHARACTERS}
          autoComplete="off"
          enterKeyHint="search"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
      </search>
      {term === "" ? (
        <Empty title="Search for words in posts">
          <p>The last word may be the beginning of one. The newest posts are first.</p>
        </Empty>
      ) : (
        <PostList label="Results" query={posts} empty={<Empty title={`No post has “${term}”`} />} />
      )}
    </>
  );
}

function searchQuery(api: Api, term: string) {
  return pagedQuery(["posts", "search", term], (page, signal) =>
    body(api.GET("/api/activities/search", { params: { query: { term, ...page } }, signal })),
  );
}

function useDebounced(value: string): string {
  const [debounced, setDebounced] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setDebounced(value), DEBOUNCE_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return debounced;
}
