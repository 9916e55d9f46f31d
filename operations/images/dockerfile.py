"""Read the final stage of a Dockerfile: the files that it copies, its environment and its command.

The emulator runs Python programs on the Python of this machine. So it needs neither the base image
nor the results of RUN: the packages of the lock are installed in the folder that the final stage
copies from an earlier stage. Instructions that only describe the image are skipped.
"""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from deployer.errors import ConfigError

_SKIPPED = {
    "EXPOSE", "HEALTHCHECK", "LABEL", "MAINTAINER", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME",
}  # fmt: skip
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)(?::([-+])([^}]*))?\})")
_HEREDOC = re.compile(r"<<-?\s*[\"']?(\w+)[\"']?")


@dataclass(frozen=True)
class Copy:
    """A COPY instruction in *line*: *sources* in the build context *context* go to *target*."""

    line: int
    sources: tuple[str, ...]
    target: str
    context: str = ""


@dataclass(frozen=True)
class Stage:
    """The final stage: variables, working folder, command and copied files.

    *packages_folder* is the folder that is copied from an earlier stage, or "" if there is none.
    """

    variables: Mapping[str, str] = field(default_factory=dict)
    folder: str = "/"
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    copies: tuple[Copy, ...] = ()
    packages_folder: str = ""

    def path(self, text: str) -> str:
        """Return the absolute path of *text*, which may be relative to the working folder."""
        path = posixpath.normpath(posixpath.join(self.folder, text))
        return f"{path.rstrip('/')}/" if text.endswith("/") else path


@dataclass(frozen=True)
class _Instruction:
    line: int
    name: str
    value: str


def final_stage(place: str, text: str) -> Stage:
    """Return the final stage of the Dockerfile *text*; *place* names it in errors.

    Raise ConfigError for an instruction that the emulator does not support.
    """
    stages: set[str] = set()
    arguments: dict[str, str] = {}
    stage, has_stage = Stage(), False
    for instruction in _instructions(text):
        where = f"{place}:{instruction.line}"
        if instruction.name == "FROM":
            words = instruction.value.split()
            stages.add(str(len(stages)))
            if len(words) > 2 and words[-2].upper() == "AS":
                stages.add(words[-1].lower())
            stage, has_stage, arguments = Stage(), True, {}
        elif instruction.name == "ARG":
            name, _, default = instruction.value.partition("=")
            arguments[name] = _unquoted(default)
        elif has_stage:
            stage = _applied(where, stage, instruction, stages, arguments)
    if not has_stage:
        raise ConfigError(
            f"{place}: has no FROM", hint="write a Dockerfile with at least one stage"
        )
    if not stage.entrypoint and not stage.command:
        raise ConfigError(f"{place}: the final stage has no CMD", hint='write CMD ["PROGRAM", …]')
    return stage


def _applied(
    where: str,
    stage: Stage,
    instruction: _Instruction,
    stages: set[str],
    arguments: Mapping[str, str],
) -> Stage:
    """Return *stage* after one instruction."""
    known = {**arguments, **stage.variables}
    match instruction.name:
        case "ENV":
            return replace(stage, variables={**stage.variables, **_env(instruction.value, known)})
        case "WORKDIR":
            return replace(stage, folder=stage.path(_expanded(instruction.value, known)))
        case "CMD":
            return replace(stage, command=_exec_form(where, instruction))
        case "ENTRYPOINT":
            return replace(stage, entrypoint=_exec_form(where, instruction), command=())
        case "COPY":
            return _with_copy(where, stage, instruction, known, stages)
        case "ADD" if re.match(r"(?:--\S+\s+)*https?://", instruction.value):
            return stage  # A download such as certificates: the emulator has its own certificates.
        case name if name in _SKIPPED:
            return stage
        case name:
            raise ConfigError(
                f"{where}: the emulator does not support {name}",
                hint="use ENV, WORKDIR, COPY, CMD and ENTRYPOINT in the final stage",
            )


def _with_copy(
    where: str,
    stage: Stage,
    instruction: _Instruction,
    known: Mapping[str, str],
    stages: set[str],
) -> Stage:
    """Return *stage* with a COPY instruction: from an earlier stage, or from a build context."""
    value = _expanded(instruction.value, known)
    words = json.loads(value) if value.startswith("[") else shlex.split(value)
    flags = [word for word in words if word.startswith("--")]
    origins = (flag.removeprefix("--from=") for flag in flags if flag.startswith("--from="))
    origin = next(origins, "")
    *sources, target = (word for word in words if not word.startswith("--"))
    path = stage.path(target)
    if origin.lower() in stages:
        folder = path.rstrip("/")
        if stage.packages_folder not in {"", folder}:
            raise ConfigError(
                f"{where}: a second folder is copied from an earlier stage",
                hint="copy one folder: the emulator installs the packages of the lock there",
            )
        return replace(stage, packages_folder=folder)
    copy = Copy(instruction.line, tuple(sources), path, origin)
    return replace(stage, copies=(*stage.copies, copy))


def _exec_form(where: str, instruction: _Instruction) -> tuple[str, ...]:
    """Return the words of a command in exec form; raise ConfigError for the shell form.

    A shell would not pass SIGTERM on to the program.
    """
    try:
        words = json.loads(instruction.value)
    except ValueError:
        words = None
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise ConfigError(
            f"{where}: {instruction.name} is not a JSON array of strings",
            hint=f'write {instruction.name} ["PROGRAM", "ARGUMENT"]',
        )
    return tuple(words)


def _env(value: str, known: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of `NAME=VALUE …`, or of the old form `NAME VALUE`."""
    if "=" not in value.split(maxsplit=1)[0]:
        name, _, text = value.partition(" ")
        return {name: _expanded(text.strip(), known)}
    pairs = (word.partition("=") for word in shlex.split(value))
    return {name: _expanded(text, known) for name, _, text in pairs}


def _expanded(text: str, known: Mapping[str, str]) -> str:
    """Return *text* with `$NAME`, `${NAME}`, `${NAME:-default}` and `${NAME:+other}` expanded.

    The value of PATH is not known: `$PATH` stays, and the emulator expands it.
    """

    def value(match: re.Match[str]) -> str:
        name, operator, word = match[1] or match[2], match[3], match[4] or ""
        if name == "PATH" and name not in known:
            return "$PATH"
        found = known.get(name, "")
        if operator == "-":
            return found or word
        if operator == "+":
            return word if found else ""
        return found

    return _VARIABLE.sub(value, text)


def _instructions(text: str) -> Iterator[_Instruction]:
    """Yield the instructions with the numbers of their first lines, without comments."""
    lines = iter(enumerate(text.splitlines(), 1))
    for number, line in lines:
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        value = line.strip()
        while value.endswith("\\"):
            _, following = next(lines, (0, ""))
            comment = following.lstrip().startswith("#")
            value = value if comment else f"{value[:-1]} {following.strip()}"
        for end in _HEREDOC.findall(value):
            while next(lines, (0, end))[1].strip() != end:
                pass
        name, _, rest = value.partition(" ")
        yield _Instruction(number, name.upper(), rest.strip())


def _unquoted(text: str) -> str:
    return " ".join(shlex.split(text))
