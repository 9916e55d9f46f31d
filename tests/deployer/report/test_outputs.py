"""Outputs of stacks in every format."""

from __future__ import annotations

import json
import re
import subprocess

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployer.errors import ConfigError, DeployError
from deployer.model import Env
from deployer.model.desired import DIGEST
from deployer.report import FORMATS, dotenv, output_value, outputs
from tests.deployer.report.samples import found
from tests.fakes import REGION

ENV = Env(
    project="cruddur",
    prefix="crd",
    name="x",
    account="000000000000",
    region=REGION,
    domain="example.com",
    hosted_zone="Z0123456789ABCDEFGHIJ",
    protect=False,
)
ODD = [
    "",
    " ",
    "a b",
    "it's",
    '"quoted"',
    "$HOME `id` $(id) ${HOME}",
    "back\\slash\\",
    "\\",
    "'",
    "''\\''",
    "line\nbreak",
    "ends with a break\n",
    "\r\n",
    "\ttab",
    "# no comment",
    "a=b",
    "é 日本 🦊",
    "!history",
    "*?[a]~",
    ";&|<>(){}",
    "%s %d \\n",
    "-n",
    "\x01\x1b[31m\x7f",
]
NETWORK = found("network", outputs={"VpcId": "vpc-1", DIGEST: "abc", "PublicSubnets1": "s 1"})


def parse_dotenv(text: str) -> dict[str, str]:
    """Parse a dotenv file by the grammar of python-dotenv 1.2, with its replacement of ${NAME}."""
    quoted = (
        r"""'(?P<single>(?:\\'|[^'])*)'|"(?P<double>(?:\\"|[^"])*)"|(?P<bare>[^'"\r\n][^\r\n]*|)"""
    )
    line = re.compile(rf"(?P<name>[^=#\s]+)=(?:{quoted})[^\S\r\n]*(?:\r\n|\n|\r|$)")
    parsed, at = {}, 0
    while at < len(text):
        match = line.match(text, at)
        assert match, text[at:]
        if (value := match["single"]) is not None:
            value = re.sub(r"\\([\\'])", r"\1", value)
        elif (value := match["double"]) is not None:
            value = re.sub(r"\\[\\'\"abfnrtv]", "(an escape)", value)
        else:
            value = re.sub(r"\s+#.*", "", match["bare"]).rstrip()
        parsed[match["name"]] = re.sub(r"\$\{[^}]*\}", "(replaced)", value)
        at = match.end()
    return parsed


def sourced(text: str, names: list[str], shell: str = "sh") -> list[str]:
    """Return the values of *names* in a shell that sourced *text*."""
    script = text + "".join(f'printf "%s\\0" "${name}"\n' for name in names)
    done = subprocess.run([shell], input=script.encode(), capture_output=True, check=True)
    assert done.stderr == b""
    return done.stdout.decode().split("\0")[:-1]


def test_variable_names() -> None:
    """Variables are named by stack and output, without the environment."""
    text = outputs([NETWORK], "dotenv", env=ENV)

    assert text == "CRD_NETWORK_PUBLIC_SUBNETS1='s 1'\nCRD_NETWORK_VPC_ID=vpc-1\n"


def test_table() -> None:
    """The table has aligned columns, and omits the digest of the deployer."""
    text = outputs([NETWORK, found("cdn", outputs={"Url": "u\n"})], "table", env=ENV)

    assert text == (
        "crd-x-network  PublicSubnets1  s 1\n"
        "crd-x-network  VpcId           vpc-1\n"
        "crd-x-cdn      Url             u\n"
    )


def test_json() -> None:
    """JSON has the stack, the output, and its name as a variable."""
    document = json.loads(outputs([NETWORK], "json", env=ENV))

    assert document["version"] == 2
    assert document["outputs"][1] == {
        "stack": "crd-x-network",
        "region": REGION,
        "output": "VpcId",
        "name": "CRD_NETWORK_VPC_ID",
        "value": "vpc-1",
    }


@pytest.mark.parametrize("form", FORMATS)
def test_no_stacks(form: str) -> None:
    """Without stacks the output is empty, and not an error."""
    text = outputs([], form, env=ENV)

    assert text in {"", '{\n  "version": 2,\n  "outputs": []\n}\n'}


@pytest.mark.parametrize("form", ["dotenv", "shell"])
def test_duplicate_names_are_refused(form: str) -> None:
    """Two outputs with the same variable name are refused."""
    stacks = [found("a", outputs={"BC": "1"}), found("a-b-c", outputs={"X": "1"})]
    clash = [*stacks, found("a-bc", outputs={"X": "2"}), found("a", outputs={"BcX": "3"})]

    with pytest.raises(
        DeployError, match=r"crd-x-a: output BcX: .* crd-x-a-bc: output X: CRD_A_BC_X"
    ):
        outputs(clash, form, env=ENV)


@pytest.mark.parametrize("form", ["dotenv", "shell"])
@pytest.mark.parametrize("char", ["\0", "\x01", "\x1b", "\r", "\x7f", "\x9b", "\u2028", "\u202e"])
def test_control_characters_are_refused(form: str, char: str) -> None:
    """The error names the output with control characters."""
    with pytest.raises(DeployError) as raised:
        outputs([found("a", outputs={"B": f"1{char}2"})], form, env=ENV)

    assert raised.value.message == "crd-x-a: output B: its value contains control characters"
    assert raised.value.hint == "pass --format=json"


@pytest.mark.parametrize("form", ["dotenv", "shell"])
def test_invalid_names_are_refused(form: str) -> None:
    """A name that a shell does not accept is refused."""
    env = msgspec.structs.replace(ENV, prefix="1st")

    with pytest.raises(
        DeployError, match=r"crd-x-a: output B: .*A_B is not a valid name of a variable"
    ):
        outputs([found("a", outputs={"B": "1"})], form, env=env)


PLAIN = [value for value in ODD if not set(value) & {"\r", "\x01"}]


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_shell_quoting(shell: str) -> None:
    """A shell reads every one of 200 unusual values unchanged."""
    values = PLAIN + [f"{first}{second}" for first in PLAIN for second in PLAIN][: 200 - len(PLAIN)]
    titles = [f"V{number}x" for number in range(len(values))]
    stack = found("odd", outputs=dict(zip(titles, values, strict=True)))
    names = [f"CRD_ODD_V{number}X" for number in range(len(values))]

    assert values == sourced(outputs([stack], "shell", env=ENV), names, shell)


DOTENV = {
    "": "",
    "a.b/c:d@e%f+g,h-i_j": "a.b/c:d@e%f+g,h-i_j",
    "a b": "'a b'",
    "it's": '"it\'s"',
    'say "hi"': "'say \"hi\"'",
    "$(id) `id` $5": "'$(id) `id` $5'",
    "back\\slash": "'back\\slash'",
    "line\nbreak\n": "'line\nbreak\n'",
    "# no comment": "'# no comment'",
    "~root": "'~root'",
    "é 🦊": "'é 🦊'",
    "it's\na line": '"it\'s\na line"',
}


@pytest.mark.parametrize("value", DOTENV)
@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_a_dotenv_file_can_be_sourced(value: str, shell: str) -> None:
    """A dotenv reader and a shell read the same value, and execute nothing."""
    text = outputs([found("a", outputs={"B": value})], "dotenv", env=ENV)

    assert text == f"CRD_A_B={DOTENV[value]}\n"
    assert [value] == sourced(text, ["CRD_A_B"], shell)
    assert {"CRD_A_B": value} == parse_dotenv(text)


@pytest.mark.parametrize(
    "value",
    ["${HOME}", "$HOME", "it's $5", "it's `id`", "it's \\", "'\"", "a\\\\b", "ends\\", "\\'"],
)
def test_ambiguous_values_are_refused(value: str) -> None:
    """The error names the output, and suggests JSON."""
    with pytest.raises(DeployError) as raised:
        outputs([found("a", outputs={"B": value})], "dotenv", env=ENV)

    assert "crd-x-a: output B: a dotenv reader and a shell" in raised.value.message
    assert raised.value.hint == "pass --format=json"


SHELL_WORDS = st.text(st.sampled_from("ab'\"\\$`{}()~#=!;&|<>*?[] \t\nHOME") | st.characters())


@settings(max_examples=60)
@given(st.lists(SHELL_WORDS | st.sampled_from(ODD), min_size=1, max_size=20))
def test_any_value_is_unambiguous_or_refused(values: list[str]) -> None:
    """A shell and the grammar of dotenv files read the same value."""
    quoted = [text for value in values if (text := dotenv(value)) is not None]
    kept = [value for value in values if dotenv(value) is not None]
    names = [f"N{number}" for number in range(len(kept))]
    text = "".join(f"{name}={value}\n" for name, value in zip(names, quoted, strict=True))

    assert kept == list(parse_dotenv(text).values())
    assert kept == sourced(text, names)


def test_one_value() -> None:
    """The value of an output is returned as it is."""
    assert output_value([NETWORK], "VpcId") == "vpc-1"


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("VpcID", "--name=VpcID: no such output; did you mean VpcId?"),
        (DIGEST, f"--name={DIGEST}: no such output"),
        ("Note", "--name=Note: an output of crd-x-a, crd-x-b"),
    ],
)
def test_no_single_value(name: str, error: str) -> None:
    """A name that no stack has, or several have, is refused; so is the digest of a template."""
    others = [found(stack, outputs={"Note": "1"}) for stack in ("a", "b")]

    with pytest.raises(ConfigError) as refused:
        output_value([NETWORK, *others], name)

    assert refused.value.message == error
