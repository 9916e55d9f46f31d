"""`messages.*` print the direct messages in the emulator's DynamoDB."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from invoke.context import Context
from invoke.exceptions import Exit

from commands import messages
from deployer.aws.connect import connect_endpoint
from deployer.config.fields import Settings
from deployer.environment import Environment
from operations import project
from tests.emulator.templates import ref, resource, template
from tests.operations.fake_account import ENV, stack_tags

if TYPE_CHECKING:
    from tests.emulator_server import Aws

ANNA, CHAT, OTHER = "anna-uuid", "chat-uuid", "other-uuid"
ITEMS = [
    {"pk": f"MSG#{CHAT}", "sk": "2024-01-01T00:00:02", "user_handle": "bob", "message": "new year"},
    {"pk": f"MSG#{CHAT}", "sk": "2023-12-31T23:59:59", "user_handle": "anna", "message": "old"},
    {"pk": f"MSG#{CHAT}", "sk": "2024-01-01T00:00:03", "user_handle": "bob", "message": "a\nb"},
    {"pk": f"MSG#{OTHER}", "sk": "2024-01-01T00:00:01", "user_handle": "eve", "message": "x"},
    {
        "pk": f"GRP#{ANNA}",
        "sk": f"2024-01-01T00:00:03#{CHAT}",
        "message_group_uuid": CHAT,
        "user_handle": "bob",
        "message": "a\nb",
    },
    {
        "pk": f"GRP#{ANNA}",
        "sk": "2024-01-01T00:00:01",
        "message_group_uuid": OTHER,
        "user_handle": "eve",
        "message": "x",
    },
]


@pytest.fixture
def table(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table with ITEMS; a page of a response contains at most two of them."""
    text = [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")]
    key = [
        {"AttributeName": name, "KeyType": kind}
        for name, kind in {"pk": "HASH", "sk": "RANGE"}.items()
    ]
    table_ = resource(
        "AWS::DynamoDB::Table",
        AttributeDefinitions=text,
        KeySchema=key,
        BillingMode="PAY_PER_REQUEST",
    )
    body = template(Table=table_) | {"Outputs": {"Table": {"Value": ref("Table")}}}
    aws.deploy("crd-x-messages", body, Tags=stack_tags("crd-x-messages"))
    client = aws.client("dynamodb")
    for item in ITEMS:
        typed = {name: {"S": value} for name, value in item.items()}
        client.put_item(TableName=aws.outputs("crd-x-messages")["Table"], Item=typed)

    endpoint = aws.endpoint
    account = connect_endpoint(endpoint.url, ENV.region, endpoint.access_key, endpoint.secret_key)
    account.session.register("before-parameter-build.dynamodb", limit_page_size)
    monkeypatch.setattr(project, "environment", lambda _: Environment(ENV, (), Path(), Settings()))
    monkeypatch.setattr(project, "account", lambda _: account)


def limit_page_size(params: dict[str, object], **_: object) -> None:
    """Limit the size of a page, which otherwise holds a megabyte."""
    params["Limit"] = 2


@pytest.mark.usefixtures("table")
def test_conversation(capsys) -> None:
    """Messages of all pages are sorted by time, one line each."""
    messages.conversation(Context(), id=CHAT)

    assert capsys.readouterr().out == (
        "sk                   user handle  message\n"
        "2023-12-31T23:59:59  anna         old\n"
        "2024-01-01T00:00:02  bob          new year\n"
        "2024-01-01T00:00:03  bob          a b\n"
    )


@pytest.mark.usefixtures("table")
def test_conversations(capsys) -> None:
    """The conversations of a user are sorted by time; the suffix of the sort key is not shown."""
    messages.conversations(Context(), user_id=ANNA)

    assert capsys.readouterr().out == (
        "sk                   message group uuid  user handle  message\n"
        "2024-01-01T00:00:01  other-uuid          eve          x\n"
        "2024-01-01T00:00:03  chat-uuid           bob          a b\n"
    )


@pytest.mark.usefixtures("table")
def test_scan(capsys) -> None:
    """With --json, each item is printed with all attributes."""
    messages.scan(Context(), json=True)

    rows = json.loads(capsys.readouterr().out)["items"]
    expected = sorted(ITEMS, key=lambda row: (row["pk"], row["sk"]))
    assert [row | {"sk": row["sk"].partition("#")[0]} for row in expected] == rows


@pytest.mark.usefixtures("table")
def test_an_unknown_conversation(capsys) -> None:
    """A conversation without messages is not an error."""
    messages.conversation(Context(), id="unknown")

    assert capsys.readouterr().out == "no messages\n"


@pytest.mark.parametrize(
    ("task", "flag"),
    [(messages.conversation, "--id"), (messages.conversations, "--user-id")],
)
def test_the_id_is_required(capsys, task, flag: str) -> None:
    """A missing id is refused without a call of AWS."""
    with pytest.raises(Exit):
        task(Context())

    assert f"error: {flag} is required\nhint: pass a UUID" in capsys.readouterr().err
