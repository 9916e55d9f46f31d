import { PageHeader } from "../ui/page-header.tsx";

const PAGES = {
  about: {
    title: "About",
    content: (
      <>
        <p>
          Cruddur is a microblog whose posts expire. You choose how long a post is shown: between an
          hour and 30 days. After that it is deleted, with its replies.
        </p>
        <h2>What you can do</h2>
        <ul>
          <li>Write posts of up to 280 characters, and replies of up to 1,024.</li>
          <li>Like and repost what others write.</li>
          <li>Send messages that only the other person can read.</li>
          <li>Search all posts that have not expired.</li>
        </ul>
      </>
    ),
  },
  terms: {
    title: "Terms",
    content: (
      <>
        <p>By using Cruddur you agree to these terms.</p>
        <h2>Your posts</h2>
        <p>
          What you write belongs to you. You allow Cruddur to show it until it expires. Do not post
          what is illegal, what harms others, or what you have no right to publish.
        </p>
        <h2>Your account</h2>
        <p>
          Keep your password to yourself. Accounts that are used to harm others, or to send
          advertisements in bulk, may be closed.
        </p>
        <h2>Availability</h2>
        <p>Cruddur is offered as it is, without a guarantee that it is always available.</p>
      </>
    ),
  },
  privacy: {
    title: "Privacy",
    content: (
      <>
        <h2>What is stored</h2>
        <p>
          Your name, handle, picture and posts, which everybody can see; your email address, which
          only you can see; and your messages, which only you and the other person can see.
        </p>
        <h2>How long</h2>
        <p>
          A post is deleted when it expires. Your profile is kept as long as you have an account.
        </p>
        <h2>In your browser</h2>
        <p>
          There are no cookies and no trackers. While you are signed in, the browser stores the
          tokens of your session, which are deleted when you sign out. What you have typed and not
          sent yet is stored until you close the tab or sign out.
        </p>
      </>
    ),
  },
} as const;

/** The pages of text that the footer links to. */
export default function TextPages({ page }: { page: keyof typeof PAGES }) {
  const { title, content } = PAGES[page];
  return (
    <>
      <PageHeader title={title} />
      <div className="prose">{content}</div>
    </>
  );
}
