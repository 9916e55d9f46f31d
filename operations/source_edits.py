"""Insert lines into Python files of the checkout, without changing their other lines."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field


@dataclass
class SourceEdits:
    """The text of one file while it is edited, and an error for each place that was not found."""

    path: str
    text: str
    errors: list[str] = field(default_factory=list)

    def insert_after(self, pattern: str, new: str, place: str) -> None:
        """Insert *new* after the last match of *pattern*."""
        matches = list(re.finditer(pattern, self.text, re.MULTILINE))
        self._insert(matches[-1].end() if matches else None, new, place)

    def insert_before(self, pattern: str, new: str, place: str) -> None:
        """Insert *new* before the only match of *pattern*."""
        matches = list(re.finditer(pattern, self.text, re.MULTILINE))
        self._insert(matches[0].start() if len(matches) == 1 else None, new, place)

    def add_to_list(self, name: str, value: str) -> None:
        """Add *value* to the sorted list of strings called *name*, if it is not in it."""
        pattern = rf"^{name} = (\[[^\]]*\])"
        if not (match := re.search(pattern, self.text, re.MULTILINE)):
            self.errors.append(f"{self.path}: does not have the expected {name}")
            return
        values = sorted({*ast.literal_eval(match[1]), value})
        quoted = ", ".join(f'"{value}"' for value in values)
        self.text = f"{self.text[: match.start(1)]}[{quoted}]{self.text[match.end(1) :]}"

    def _insert(self, position: int | None, new: str, place: str) -> None:
        if position is None:
            self.errors.append(f"{self.path}: does not have the expected {place}")
        else:
            self.text = self.text[:position] + new + self.text[position:]


@dataclass(frozen=True)
class StackDefinition:
    """A stack file with the function `define`, which returns the dataclass of its outputs."""

    text: str
    outputs: ast.ClassDef
    returned: ast.Call  # The value of the last statement of `define`.

    @classmethod
    def parse(cls, text: str) -> StackDefinition | None:
        """Return the definition in the *text* of a stack file; None if it has another form."""
        try:
            body = ast.parse(text).body
        except SyntaxError:
            return None
        classes = {node.name: node for node in body if isinstance(node, ast.ClassDef)}
        for node in body:
            match node:
                case ast.FunctionDef(
                    name="define", body=[*_, ast.Return(value=ast.Call(func=ast.Name()) as call)]
                ) if outputs := classes.get(ast.unparse(call.func)):
                    return cls(text, outputs, call)
        return None

    def with_output(self, name: str) -> str:
        """Return the text with an output for the name of the function *name*."""
        lines = self.text.splitlines(keepends=True)
        last = (self.returned.end_lineno or 0) - 1
        end = (self.returned.end_col_offset or 0) - 1
        before = lines[last][:end]
        comma = "" if before.strip() in {"", ")"} or before.rstrip().endswith(("(", ",")) else ", "
        lines[last] = f"{before}{comma}{name}={name}.ref(){lines[last][end:]}"
        end_of_fields = self.outputs.end_lineno or 0
        separator = "\n" if len(self.outputs.body) == 1 else ""
        lines.insert(end_of_fields, f"{separator}    {name}: FunctionName\n")
        return _with_import("".join(lines))


def _with_import(text: str) -> str:
    """Return *text* with an import of FunctionName."""
    if re.search(r"^from stacks\.monitored_outputs import .*\bFunctionName\b", text, re.MULTILINE):
        return text
    line = "from stacks.monitored_outputs import FunctionName\n"
    return re.sub(
        r"^(from deployer\.model import )", rf"{line}\1", text, count=1, flags=re.MULTILINE
    )
