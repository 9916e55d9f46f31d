"""Expected subscriptions are found with their state."""

from __future__ import annotations

from operations.subscriptions import Subscription, find
from tests.operations.fake_account import Account, Client, target

LISTED = [
    {"Protocol": "email", "Endpoint": "a@x.example", "SubscriptionArn": "arn:1"},
    {"Protocol": "email", "Endpoint": "b@x.example", "SubscriptionArn": "PendingConfirmation"},
    {"Protocol": "email", "Endpoint": "other@x.example", "SubscriptionArn": "PendingConfirmation"},
    {"Protocol": "https", "Endpoint": "c@x.example", "SubscriptionArn": "arn:2"},
]


def test_states() -> None:
    """Pending subscriptions of the protocol are found, too, if they are not expected."""
    pages = [{"Subscriptions": []}, {"Subscriptions": LISTED}]
    account = Account({}, {"sns": Client(list_subscriptions_by_topic=pages)})

    expected = ["c@x.example", "b@x.example", "a@x.example"]
    found = list(find(target(account), "arn:topic", "email", expected))

    assert found == [
        Subscription("arn:topic", "email", "c@x.example", "absent"),
        Subscription("arn:topic", "email", "b@x.example", "pending"),
        Subscription("arn:topic", "email", "a@x.example", "confirmed"),
        Subscription("arn:topic", "email", "other@x.example", "pending"),
    ]
