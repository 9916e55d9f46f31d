import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { PostForm } from "../post/post-form.tsx";
import { useApi, useSession } from "../services.tsx";
import { PageHeader } from "../ui/page-header.tsx";
import { Empty } from "../ui/states.tsx";
import { PostList } from "./post-list.tsx";
import { homeQuery } from "./queries.ts";

export function HomePage() {
  const session = useSession();
  const posts = useInfiniteQuery(homeQuery(useApi()));
  const isMember = session.status !== "anonymous";
  return (
    <>
      <PageHeader title="Home" />
      {isMember && <PostForm />}
      <PostList
        label="Posts"
        query={posts}
        empty={
          <Empty title="There are no posts yet">
            {isMember ? (
              <p>Write the first one. It disappears when you want it to.</p>
            ) : (
              <p>
                <Link to="/signup">Create an account</Link> and write the first one.
              </p>
            )}
          </Empty>
        }
      />
    </>
  );
}
