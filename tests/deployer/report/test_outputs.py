"""What the stacks give survives every form it is given in."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deployer.errors import DeployError
from deployer.report import FORMATS, outputs
from deployer.stack import Env
from deployer.synth import DIGEST
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
    r"""A dotenv file, as python-dotenv reads it: bare, or in single quotes with \\ and \'."""
    line = re.compile(
        r"(?P<name>[A-Z0-9_]+)=(?:'(?P<quoted>(?:[^'\\]|\\.)*)'|(?P<bare>[^\s'#]*))\n", re.DOTALL
    )
    parsed, at = {}, 0
    while at < len(text):
        match = line.match(text, at)
        assert match, text[at:]
        quoted = match["quoted"]
        value = match["bare"] if quoted is None else re.sub(r"\\([\\'])", r"\1", quoted)
        parsed[match["name"]], at = value, match.end()
    return parsed


def test_a_variable_is_called_by_layer_and_output() -> None:
    """Without the environment, so that a program reads the same name in each."""
    text = outputs([NETWORK], "dotenv", env=ENV)

    assert "CRD_NETWORK_PUBLIC_SUBNETS1='s 1'\nCRD_NETWORK_VPC_ID=vpc-1\n" == text


def test_a_table_is_for_people() -> None:
    """In stable columns, without the digest, which is the deployer's own."""
    text = outputs([NETWORK, found("cdn", outputs={"Url": "u\n"})], "table", env=ENV)

    assert text == (
        "crd-x-network  PublicSubnets1  s 1\n"
        "crd-x-network  VpcId           vpc-1\n"
        "crd-x-cdn      Url             u\n"
    )


def test_json_has_everything() -> None:
    """The stack, the output, and the name it has as a variable."""
    document = json.loads(outputs([NETWORK], "json", env=ENV))

    assert 1 == document["version"]
    assert document["outputs"][1] == {
        "stack": "crd-x-network",
        "region": REGION,
        "output": "VpcId",
        "name": "CRD_NETWORK_VPC_ID",
        "value": "vpc-1",
    }


@pytest.mark.parametrize("form", FORMATS)
def test_nothing_deployed_is_nothing_to_show(form: str) -> None:
    """No stack yet is no error."""
    text = outputs([], form, env=ENV)

    assert text in {"", '{\n  "version": 1,\n  "outputs": []\n}\n'}


@pytest.mark.parametrize("form", ["dotenv", "shell"])
def test_two_of_one_name_are_refused(form: str) -> None:
    """One would hide the other."""
    stacks = [found("a", outputs={"BC": "1"}), found("a-b-c", outputs={"X": "1"})]
    clash = [*stacks, found("a-bc", outputs={"X": "2"}), found("a", outputs={"BcX": "3"})]

    with pytest.raises(DeployError, match=r"crd-x-a: output BcX: .* CRD_A_BC_X, .* crd-x-a-bc"):
        outputs(clash, form, env=ENV)


@pytest.mark.parametrize("form", ["dotenv", "shell"])
def test_no_variable_holds_a_nul(form: str) -> None:
    """Better refused than cut off."""
    with pytest.raises(DeployError, match="NUL"):
        outputs([found("a", outputs={"B": "1\0002"})], form, env=ENV)


def test_two_hundred_odd_values_survive_the_shell(tmp_path: Path) -> None:
    """Every one comes out of one sh as it went in."""
    values = ODD + [f"{one}{other}" for one in ODD for other in ODD][: 200 - len(ODD)]
    titles = [f"V{number}x" for number in range(len(values))]
    stack = found("odd", outputs=dict(zip(titles, values, strict=True)))
    file = tmp_path / "outputs.sh"
    file.write_bytes(outputs([stack], "shell", env=ENV).encode())
    script = f". {file}\n" + "".join(
        f'printf "%s\\0" "$CRD_ODD_V{number}X"\n' for number in range(len(values))
    )

    done = subprocess.run(["sh"], input=script.encode(), capture_output=True, check=True)

    assert b"" == done.stderr
    assert values == done.stdout.decode().split("\0")[:-1]


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(
        st.from_regex(r"[A-Z][a-z]{1,8}", fullmatch=True), st.text() | st.sampled_from(ODD)
    )
)
def test_any_value_survives_dotenv(values: dict[str, str]) -> None:
    """As the documented grammar reads it back."""
    values = {title: value.replace("\0", "") for title, value in values.items()}

    text = outputs([found("odd", outputs=values)], "dotenv", env=ENV)

    expected = {
        f"CRD_ODD_{title.upper()}": value for title, value in values.items() if title != DIGEST
    }
    assert expected == parse_dotenv(text)
