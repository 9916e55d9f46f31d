"""Types of stack outputs that have alarms: names of functions, dead-letter queues and tables.

The stack monitoring adds the alarms for every output with one of these types. So a stack with a new
function only annotates the field of its outputs dataclass:

    thumbnail: FunctionName
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from itertools import chain
from typing import Annotated, TypeAlias, get_args, get_type_hints

from troposphere import ImportValue

from deployer.model import Env, Value, pascal_case
from stacks import alarms
from stacks.parts.alarms import Alarm

FunctionName: TypeAlias = Annotated[Value, alarms.function]
ScheduledFunctionName: TypeAlias = Annotated[Value, alarms.function, alarms.scheduled_function]
StreamReaderName: TypeAlias = Annotated[Value, alarms.function, alarms.stream_reader]
DeadLetterQueueName: TypeAlias = Annotated[Value, alarms.dead_letter_queue]
StreamDeadLetterQueueName: TypeAlias = Annotated[Value, alarms.stream_dead_letter_queue]
TableName: TypeAlias = Annotated[Value, alarms.table]

# The functions that yield the alarms of one kind of resource. They are the metadata of the types.
KINDS: tuple[Callable[[str, Value], Iterator[Alarm]], ...] = (
    alarms.function,
    alarms.scheduled_function,
    alarms.stream_reader,
    alarms.dead_letter_queue,
    alarms.stream_dead_letter_queue,
    alarms.table,
)


def with_alarms(outputs: Iterable[object]) -> list[object]:
    """Return those *outputs*, one dataclass per stack, that have a field with one of the types."""
    return [stack for stack in outputs if any(_typed_values(stack))]


def alarms_of(env: Env, outputs: Iterable[object]) -> Iterator[Alarm]:
    """Yield the alarms for the typed fields of all *outputs*, grouped by kind of resource."""
    typed = [value for stack in outputs for value in _typed_values(stack)]
    for kind in KINDS:
        for value, kinds in typed:
            if kind in kinds:
                yield from kind(_subject(env, value), value)


def _typed_values(outputs: object) -> Iterator[tuple[ImportValue, tuple[object, ...]]]:
    """Yield each imported value with the metadata of its type."""
    hints = get_type_hints(type(outputs), include_extras=True)
    for field in fields(outputs):  # type: ignore[arg-type]  # Outputs are dataclasses.
        value, hint = getattr(outputs, field.name), hints[field.name]
        parts = (hint, *get_args(hint))  # The members of an optional type are arguments.
        kinds = tuple(chain.from_iterable(getattr(part, "__metadata__", ()) for part in parts))
        if kinds and isinstance(value, ImportValue):
            yield value, kinds


def _subject(env: Env, value: ImportValue) -> str:
    """Return the stack and output of an import, such as AvatarsThumbnail."""
    name: str = value.data["Fn::ImportValue"]
    return pascal_case(name.removeprefix(env.stack_name("")))
