import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "react-router";
import { useServices } from "../services.tsx";
import { SignOutIcon } from "../ui/icons.tsx";
import { useNotice } from "../ui/notices.tsx";

export function SignOutButton({ className }: { className: string }) {
  const { session } = useServices();
  const navigate = useNavigate();
  const notice = useNotice();
  const signOut = useMutation({
    mutationFn: () => session.signOut(),
    networkMode: "always", // Even without a network, this browser removes its tokens.
    retry: false,
    onError: () =>
      notice("You are signed out here. Other devices could not be reached, and may be signed in."),
    onSettled: () => void navigate("/"),
  });
  return (
    <button
      type="button"
      className={className}
      disabled={signOut.isPending}
      onClick={() => signOut.mutate()}
    >
      <SignOutIcon />
      <span>Sign out</span>
    </button>
  );
}
