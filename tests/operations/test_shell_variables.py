"""Commands that set variables of a shell, and undo it."""

from __future__ import annotations

import subprocess

from operations import shell_variables

NEW = {"AWS_PROFILE": "default", "NO_PROXY": "a b,127.0.0.1"}
SHOW = 'echo "${AWS_PROFILE-unset}|${NO_PROXY-unset}|${CRUDDUR_BEFORE_AWS_PROFILE-unset}"'


def run(commands: list[str], environ: dict[str, str]) -> tuple[str, dict[str, str]]:
    """Run *commands* in a shell; return what SHOW prints, and the environment after them."""
    script = "\n".join([*commands, SHOW, "env -0"])
    output = subprocess.run(
        ["/bin/sh", "-c", script], env=environ, capture_output=True, text=True, check=True
    ).stdout
    shown, _, rest = output.partition("\n")
    return shown, dict(pair.split("=", 1) for pair in rest.split("\0") if pair)


def test_a_variable_of_the_user_is_restored() -> None:
    """Variables that were set get their value back, the others are unset."""
    before = {"AWS_PROFILE": "it's $mine"}
    commands = list(shell_variables.set_commands(NEW, before))
    shown, environ = run(commands, before)

    restored, after = run(list(shell_variables.unset_commands(NEW, environ)), environ)

    assert shown == "default|a b,127.0.0.1|it's $mine"
    assert restored == "it's $mine|unset|unset"
    assert not [name for name in after if name.startswith("CRUDDUR")]
    assert "mine" not in "".join(commands)


def test_a_second_evaluation() -> None:
    """The values before the first evaluation are kept."""
    before = {"AWS_PROFILE": "mine"}
    _, environ = run(list(shell_variables.set_commands(NEW, before)), before)
    _, environ = run(list(shell_variables.set_commands(NEW, environ)), environ)

    restored, _ = run(list(shell_variables.unset_commands(NEW, environ)), environ)

    assert restored == "mine|unset|unset"


def test_nothing_to_undo() -> None:
    """Variables that the user has set are not unset."""
    assert list(shell_variables.unset_commands(NEW, {"AWS_PROFILE": "mine"})) == []


def test_path() -> None:
    """The folder is in front of PATH once, and can be removed."""
    added = shell_variables.add_folder("/usr/bin:/own:/bin", "/own")

    assert added == "/own:/usr/bin:/bin"
    assert shell_variables.add_folder("", "/own") == "/own"
    assert shell_variables.remove_folder(added, "/own") == "/usr/bin:/bin"
