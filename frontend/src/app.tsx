import { lazy, Suspense } from "react";
import { Route, Routes } from "react-router";
import { HomePage } from "./feed/home-page.tsx";
import { NotFoundPage } from "./pages/not-found-page.tsx";
import { PostPage } from "./post/post-page.tsx";
import { ProfilePage } from "./profile/profile-page.tsx";
import { RequireSession } from "./session/require-session.tsx";
import { handleRoute } from "./ui/handle-route.tsx";
import { Shell } from "./ui/shell.tsx";
import { PageSkeleton } from "./ui/states.tsx";

// The feed, profiles and posts are what most visits begin with. The other pages load when opened.
const SearchPage = lazy(() => import("./search/search-page.tsx"));
const NotificationsPage = lazy(() => import("./notifications/notifications-page.tsx"));
const ConversationsPage = lazy(() => import("./messages/conversations-page.tsx"));
const ConversationPage = lazy(() => import("./messages/conversation-page.tsx"));
const NewConversationPage = lazy(() => import("./messages/new-conversation-page.tsx"));
const EditProfilePage = lazy(() => import("./profile/edit-profile-page.tsx"));
const SignUpPage = lazy(() => import("./account/sign-up-page.tsx"));
const ConfirmPage = lazy(() => import("./account/confirm-page.tsx"));
const SignInPage = lazy(() => import("./account/sign-in-page.tsx"));
const RecoverPage = lazy(() => import("./account/recover-page.tsx"));
const TextPages = lazy(() => import("./pages/text-pages.tsx"));

export function App() {
  return (
    <Shell>
      <Suspense fallback={<PageSkeleton />}>
        <Routes>
          <Route path="/" element={<HomePage />} />
          <Route path="/search" element={<SearchPage />} />
          <Route path="/signup" element={<SignUpPage />} />
          <Route path="/confirm" element={<ConfirmPage />} />
          <Route path="/signin" element={<SignInPage />} />
          <Route path="/forgot" element={<RecoverPage />} />
          <Route path="/about" element={<TextPages page="about" />} />
          <Route path="/terms" element={<TextPages page="terms" />} />
          <Route path="/privacy" element={<TextPages page="privacy" />} />
          <Route element={<RequireSession />}>
            <Route path="/notifications" element={<NotificationsPage />} />
            <Route path="/messages" element={<ConversationsPage />} />
            <Route path="/messages/new/:handle?" element={<NewConversationPage />} />
            <Route path="/messages/:conversation" element={<ConversationPage />} />
            <Route path="/settings/profile" element={<EditProfilePage />} />
          </Route>
          {/* A segment such as @andrew: the router has no parameters within a segment. */}
          <Route path="/:user" element={handleRoute((handle) => <ProfilePage handle={handle} />)} />
          <Route
            path="/:user/status/:post"
            element={handleRoute((handle, post) => <PostPage handle={handle} uuid={post} />)}
          />
          <Route path="*" element={<NotFoundPage />} />
        </Routes>
      </Suspense>
    </Shell>
  );
}
