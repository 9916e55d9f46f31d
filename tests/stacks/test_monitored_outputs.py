"""Outputs with a type from `stacks/monitored_outputs.py` have alarms."""

from dataclasses import dataclass

import pytest
from troposphere import ImportValue

from deployer.model import Value
from stacks.monitored_outputs import (
    DeadLetterQueueName,
    FunctionName,
    StreamReaderName,
    TableName,
    alarms_of,
    with_alarms,
)
from tests.stacks.templates import config_of


@dataclass(frozen=True)
class Mailer:
    """The outputs of a stack with one resource of each kind."""

    arn: Value
    send: FunctionName
    reader: StreamReaderName
    queue: DeadLetterQueueName
    table: TableName
    optional: DeadLetterQueueName | None = None


def imported(output):
    return ImportValue(f"crd-prod-mailer-{output}")


@pytest.fixture
def outputs():
    names = ("Arn", "Send", "Reader", "Queue", "Table")
    return Mailer(*(imported(name) for name in names))


def titles(*outputs):
    """Return the titles of the alarms of *outputs* in `prod`."""
    return [alarm.title for alarm in alarms_of(config_of("prod").env, outputs)]


def test_typed_outputs_have_alarms(outputs):
    """Alarms follow from the types of outputs: a new function needs no line in the monitoring stack."""
    assert titles(outputs) == [
        "MailerSendErrors",
        "MailerSendThrottles",
        "MailerReaderErrors",
        "MailerReaderThrottles",
        "MailerReaderIteratorAge",
        "MailerQueueNotEmpty",
        "MailerQueueOldMessages",
        "MailerTableReadThrottles",
        "MailerTableWriteThrottles",
    ]


def test_an_optional_output_has_alarms_if_it_has_a_value(outputs):
    """An output with a type such as `TableName | None` has alarms if it is not None."""
    with_optional = Mailer(
        outputs.arn, outputs.send, outputs.reader, outputs.queue, outputs.table, imported("Other")
    )

    assert {*titles(with_optional)} - {*titles(outputs)} == {
        "MailerOtherNotEmpty",
        "MailerOtherOldMessages",
    }


def test_an_alarm_evaluates_the_metric_of_the_imported_name(outputs):
    """The dimension of the metric is the value of the output."""
    alarms = {alarm.title: alarm for alarm in alarms_of(config_of("prod").env, [outputs])}

    dimensions = alarms["MailerQueueNotEmpty"].metric.dimensions

    assert {"QueueName": outputs.queue} == dimensions


def test_stacks_without_typed_outputs_are_left_out(outputs):
    """The monitoring stack depends only on stacks with alarms."""

    @dataclass(frozen=True)
    class Network:
        vpc: Value

    assert [outputs] == with_alarms([Network(imported("Vpc")), outputs])
