"""The direct messages, as the emulator DynamoDB has them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from invoke.context import Context
from invoke.exceptions import Exit

from deployer.aws.connect import connect_endpoint
from deployer.config.fields import Settings
from deployer.environment import Environment
from operations import messages, project
from tests.emulator.templates import ref, resource, template
from tests.operations.answers import ENV, tags

if TYPE_CHECKING:
    from tests.emulator_server import Aws

ANNA, TALK, OTHER = "anna-uuid", "talk-uuid", "other-uuid"
ROWS = [
    {"pk": f"MSG#{TALK}", "sk": "2024-01-01T00:00:02", "user_handle": "bob", "message": "new year"},
    {"pk": f"MSG#{TALK}", "sk": "2023-12-31T23:59:59", "user_handle": "anna", "message": "old"},
    {"pk": f"MSG#{TALK}", "sk": "2024-01-01T00:00:03", "user_handle": "bob", "message": "a\nb"},
    {"pk": f"MSG#{OTHER}", "sk": "2024-01-01T00:00:01", "user_handle": "eve", "message": "x"},
    {
        "pk": f"GRP#{ANNA}",
        "sk": f"2024-01-01T00:00:03#{TALK}",
        "message_group_uuid": TALK,
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
    """A table with these rows, of which a call shows two at most."""
    text = [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")]
    key = [
        {"AttributeName": name, "KeyType": kind}
        for name, kind in {"pk": "HASH", "sk": "RANGE"}.items()
    ]
    made = resource(
        "AWS::DynamoDB::Table",
        AttributeDefinitions=text,
        KeySchema=key,
        BillingMode="PAY_PER_REQUEST",
    )
    body = template(Table=made) | {"Outputs": {"Table": {"Value": ref("Table")}}}
    aws.deploy("crd-x-messages", body, Tags=tags("crd-x-messages"))
    client = aws.client("dynamodb")
    for row in ROWS:
        item = {name: {"S": value} for name, value in row.items()}
        client.put_item(TableName=aws.outputs("crd-x-messages")["Table"], Item=item)

    there = aws.endpoint
    account = connect_endpoint(there.url, ENV.region, there.access_key, there.secret_key)
    account.session.register("before-parameter-build.dynamodb", two_at_a_time)
    monkeypatch.setattr(project, "environment", lambda _: Environment(ENV, (), Path(), Settings()))
    monkeypatch.setattr(project, "account", lambda _: account)


def two_at_a_time(params: dict[str, object], **_: object) -> None:
    """Pages as they are in a table of many megabytes."""
    params["Limit"] = 2


@pytest.mark.usefixtures("table")
def test_conversation(capsys) -> None:
    """The newest last, over a new year and all pages; a message is one line."""
    messages.conversation(Context(), id=TALK)

    assert capsys.readouterr().out == (
        "sk                   user handle  message\n"
        "2023-12-31T23:59:59  anna         old\n"
        "2024-01-01T00:00:02  bob          new year\n"
        "2024-01-01T00:00:03  bob          a b\n"
    )


@pytest.mark.usefixtures("table")
def test_groups(capsys) -> None:
    """Each conversation of one person; the suffix of a key is no part of the time."""
    messages.groups(Context(), person=ANNA)

    assert capsys.readouterr().out == (
        "sk                   message group uuid  user handle  message\n"
        "2024-01-01T00:00:01  other-uuid          eve          x\n"
        "2024-01-01T00:00:03  talk-uuid           bob          a b\n"
    )


@pytest.mark.usefixtures("table")
def test_scan(capsys) -> None:
    """Every row, with all it has."""
    messages.scan(Context(), json=True)

    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    wanted = sorted(ROWS, key=lambda row: (row["pk"], row["sk"]))
    assert [row | {"sk": row["sk"].partition("#")[0]} for row in wanted] == rows


@pytest.mark.usefixtures("table")
def test_nothing(capsys) -> None:
    """A conversation that nobody had is no error."""
    messages.conversation(Context(), id="nobody")

    assert "sk  user handle  message\n" == capsys.readouterr().out


@pytest.mark.parametrize("task", [messages.conversation, messages.groups])
def test_whose(capsys, task) -> None:
    """Somebody or something has to be named, before AWS is asked."""
    with pytest.raises(Exit):
        task(Context())

    assert ": whose?\nhint: a uuid" in capsys.readouterr().err
