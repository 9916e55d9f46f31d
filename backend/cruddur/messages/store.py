"""Store conversations and messages so that concurrent requests cannot lose or duplicate any.

One transaction writes a conversation and its first message, or a message and its idempotency key. A
message is refused unless its sender participates in the conversation.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cruddur.messages.conversation import (
    Conversation,
    Message,
    User,
    conversation_id,
    conversation_item,
    conversation_of,
    key_item,
    message_item,
    message_of,
    message_of_key,
    new_conversation_item,
    new_conversation_of,
    participants_item,
    timestamp,
)
from cruddur.messages.table import ConditionsError, Table, UnavailableError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

    Actions = Mapping[str, TransactWriteItemTypeDef]

KEY_LIFETIME = timedelta(days=1)

_ATTEMPTS = 5  # Attempts to find a time that no other message has.
_STEP = timedelta(microseconds=1)
_KEY, _CONVERSATION = "key", "conversation"  # Names of actions in a transaction.


class NotParticipantError(Exception):
    """The conversation does not exist, or the user does not participate in it."""


class KeyReusedError(Exception):
    """The user sent a different message with the same idempotency key."""


class _ConversationConditionError(Exception):
    """The condition of the transaction on the conversation is false."""


@dataclass(frozen=True)
class Store:
    """The conversations in *table*; *now* returns the current time."""

    table: Table
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def conversations(
        self, user: str, *, before: str | None = None, limit: int
    ) -> Sequence[Conversation]:
        """Return at most *limit* conversations of *user*, the one with the newest message first.

        *before* is the key of the last conversation of the previous page.
        """
        items = self.table.newest(f"GRP#{user}", before=before, limit=limit)
        return [conversation_of(item) for item in items]

    def new_conversations(
        self, user: str, *, before: str | None = None, limit: int
    ) -> Sequence[Conversation]:
        """Return at most *limit* conversations that others started with *user*, the newest first."""
        items = self.table.newest(f"NEW#{user}", before=before, limit=limit)
        return [new_conversation_of(item) for item in items]

    def messages(
        self, user: str, conversation: str, *, before: str | None = None, limit: int
    ) -> Sequence[Message]:
        """Return at most *limit* messages, the newest first, sent *before* a time.

        Raises NotParticipantError if *user* does not participate in *conversation*.
        """
        found = self.table.item(f"CNV#{conversation}", "CNV")
        if found is None or user not in found["participants"]["SS"]:
            raise NotParticipantError(conversation)
        items = self.table.newest(f"MSG#{conversation}", before=before, limit=limit)
        return [message_of(item) for item in items]

    def start(self, sender: User, receiver: User, text: str, key: str | None = None) -> Message:
        """Send a message to another user; start a conversation if the two users have none.

        If *sender* sent the message before with the idempotency *key*, return the earlier message.
        Raises KeyReusedError if the message with *key* differs, and ValueError if *receiver* is the
        sender.
        """
        if sender.uuid == receiver.uuid:
            raise ValueError("a conversation needs two users")
        conversation = conversation_id(sender.uuid, receiver.uuid)
        try:
            return self._write(
                sender, conversation, text, key, lambda message: self._creation(message, receiver)
            )
        except _ConversationConditionError:  # The conversation exists.
            return self.send(sender, conversation, text, key)

    def send(self, sender: User, conversation: str, text: str, key: str | None = None) -> Message:
        """Send a message in an existing conversation; *key* is an idempotency key, as in `start`.

        Raises KeyReusedError, and NotParticipantError.
        """
        try:
            return self._write(sender, conversation, text, key, self._participation)
        except _ConversationConditionError:
            raise NotParticipantError(conversation) from None

    def _creation(self, message: Message, receiver: User) -> Actions:
        """Return the actions that create a conversation, unless it exists."""
        put = self.table.put
        return {
            _CONVERSATION: put(participants_item(message, receiver)),
            "sender's list": put(conversation_item(message.user, receiver, message)),
            "receiver's list": put(conversation_item(receiver, message.user, message)),
            "notification": put(new_conversation_item(receiver, message)),
        }

    def _participation(self, message: Message) -> Actions:
        """Return the condition that the sender participates in the conversation."""
        condition = self.table.check(
            f"CNV#{message.conversation}",
            "CNV",
            "contains(participants, :user)",
            user={"S": message.user.uuid},
        )
        return {_CONVERSATION: condition}

    def _write(
        self,
        sender: User,
        conversation: str,
        text: str,
        key: str | None,
        actions: Callable[[Message], Actions],
    ) -> Message:
        """Write a message, with *actions* in the same transaction.

        Raises _ConversationConditionError if the condition of the action _CONVERSATION is false.
        """
        now, id_ = self.now(), str(uuid.uuid4())
        for attempt in range(_ATTEMPTS):
            message = Message(
                id_, conversation, sender, text, created_at=timestamp(now + attempt * _STEP)
            )
            failed = self._attempt({**actions(message), **self._message_actions(message, key, now)})
            if not failed:
                return message
            if key and _KEY in failed:
                return self._sent_with_key(message, key)
            if _CONVERSATION in failed:
                raise _ConversationConditionError
        raise UnavailableError(f"the {_ATTEMPTS} sort keys from {timestamp(now)} are in use")

    def _message_actions(self, message: Message, key: str | None, now: datetime) -> Actions:
        actions = {"message": self.table.put(message_item(message))}
        if key:
            actions[_KEY] = self.table.put(key_item(message, key, now + KEY_LIFETIME))
        return actions

    def _attempt(self, actions: Actions) -> frozenset[str]:
        """Write *actions*; return the names of those with false conditions, or nothing on success."""
        names = list(actions)
        try:
            self.table.write(list(actions.values()))
        except ConditionsError as refused:
            return frozenset(names[position] for position in refused.failed)
        return frozenset()

    def _sent_with_key(self, message: Message, key: str) -> Message:
        """Return the message that was sent with *key*, if it equals *message* except for its time."""
        item = self.table.item(f"KEY#{message.user.uuid}#{key}", "KEY")
        if item is None:
            raise UnavailableError("the idempotency key expired during the request")
        sent = message_of_key(item)
        if (sent.conversation, sent.text) != (message.conversation, message.text):
            raise KeyReusedError(key)
        return sent
