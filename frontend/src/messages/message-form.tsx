import { useMutation, useQueryClient } from "@tanstack/react-query";
import { body, type Message } from "../api/client.ts";
import { TEXT_CHARACTERS } from "../api/limits.ts";
import { useApi } from "../services.tsx";
import { useDraft } from "../ui/draft.ts";
import { TextComposer } from "../ui/text-composer.tsx";
import { CONVERSATIONS_KEY, messagesKey } from "./queries.ts";

/** An existing conversation, or the handle of the user to start one with. */
type Recipient = Readonly<{ message_group_uuid: string }> | Readonly<{ handle: string }>;

type Properties = Readonly<{ recipient: Recipient; onSent?: (message: Message) => void }>;

export function MessageForm({ recipient, onSent }: Properties) {
  const api = useApi();
  const client = useQueryClient();
  const draft = useDraft(`message.${Object.values(recipient).join()}`);
  const send = useMutation({
    mutationFn: (message: { message: string; idempotency_key: string }) =>
      body(
        api.POST("/api/messages", {
          body: { handle: null, message_group_uuid: null, ...recipient, ...message },
        }),
      ),
    onSuccess: async (message) => {
      draft.clear();
      void client.invalidateQueries({ queryKey: CONVERSATIONS_KEY });
      await client.invalidateQueries({ queryKey: messagesKey(message.message_group_uuid) });
      onSent?.(message);
    },
  });
  return (
    <TextComposer
      label="New message"
      placeholder="Write a message"
      action="Send"
      limit={TEXT_CHARACTERS}
      rows={2}
      draft={draft}
      sending={send}
      onSend={() => send.mutate({ message: draft.text, idempotency_key: draft.keyOf(draft.text) })}
    />
  );
}
