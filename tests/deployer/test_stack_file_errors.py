"""The messages of Python errors in stack files."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from deployer import stack_file_errors
from deployer.artifacts import Code
from deployer.config.fields import Settings
from deployer.environment import Project
from deployer.errors import ConfigError, SynthError
from deployer.model import Env, Layers

ENV = """\
[env]
project = "cruddur"
prefix = "crd"
name = "dev"
account = "111111111111"
region = "ca-central-1"
domain = "cruddur.example"
hosted_zone = "Z0CRUDDUR"
protect = false
"""
HEAD = '''\
"""A stack."""
from __future__ import annotations
from dataclasses import dataclass
from deployer.config.fields import Settings as Fields
from deployer.model import Value
from troposphere import Output, ec2, s3

class Settings(Fields, frozen=True):
    cidr: str = "10.0.0.0/16"

@dataclass(frozen=True)
class Outputs:
    vpc: Value

def helper(t, *, vpc): ...

def define(t, env, settings=Settings()):
'''
LINE = HEAD.count("\n") + 1  # That of the first statement of `define`.
VPC = 'vpc = t.add_resource(ec2.VPC("Vpc", CidrBlock=settings.cidr))\n'


class Config(Settings, frozen=True):
    """The config of the project."""

    env: Env


def load(root: Path, name: str, body: str, *, head: str = HEAD) -> ModuleType:
    """Write stacks/*name*.py, whose `define` has *body*, and import it."""
    file = root / "stacks" / f"{name}.py"
    file.parent.mkdir(exist_ok=True)
    file.write_text(head + "".join(f"    {line}\n" for line in body.splitlines()))
    spec = importlib.util.spec_from_file_location(f"mistaken_{name}", file)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # Dataclasses look for it.
    spec.loader.exec_module(module)
    return module


def project(root: Path, layers: Callable[[Config, Code], Layers]) -> Project[Config]:
    """Return a project with one environment."""
    (root / "config").mkdir()
    (root / "config" / "dev.toml").write_text(ENV)
    return Project(root, Config, layers)


def mistake(root: Path, body: str) -> SynthError:
    """Return the error if `define` of the only stack has *body*."""
    network = load(root, "network", body)

    def layers(config: Config, _: Code) -> Layers:
        layers = Layers(config.env)
        layers.add("network", network.define)
        return layers

    with pytest.raises(SynthError) as raised:
        project(root, layers).open("dev")
    return raised.value


@pytest.mark.parametrize(
    ("body", "expected"),
    {
        "unknown property": (
            't.add_resource(ec2.VPC("Vpc", EnableDnsHostname=True))',
            " Vpc: no property EnableDnsHostname; did you mean EnableDnsHostnames?",
        ),
        "property of a property": (
            's3.LifecycleRule(Statuss="Enabled")',
            " LifecycleRule: no property Statuss; did you mean Status?",
        ),
        "wrong type": (
            't.add_resource(ec2.VPC("Vpc", CidrBlock=12))',
            " Vpc: CidrBlock: 12 is int; it takes str",
        ),
        "no list": (
            't.add_resource(s3.LifecycleConfiguration("Rules", Rules=3))',
            " Rules: Rules: 3 is int; it takes a list of LifecycleRule",
        ),
        "validator that explains": (
            't.add_resource(ec2.SecurityGroup("Group", Tags=3))',
            " Group: Tags: Value 3 of type <class 'int'> must be either Tags or list",
        ),
        "validator": (
            't.add_resource(ec2.VPC("Vpc", EnableDnsSupport="maybe"))',
            " Vpc: EnableDnsSupport: 'maybe' is not valid (boolean)",
        ),
        "title": (
            't.add_resource(ec2.VPC("my-vpc"))',
            ': Name "my-vpc" not alphanumeric',
        ),
        "duplicate title": (
            't.add_resource(ec2.VPC("Vpc")); t.add_resource(ec2.VPC("Vpc"))',
            f" Vpc: another resource has this title, in stacks/network.py:{LINE}",
        ),
        "duplicate output": (
            't.add_output([Output("A", Value="1"), Output("A", Value="2")])',
            ': duplicate key "A" detected',
        ),
        "no resource": ("t.add_resource([])", ": list is not a resource"),
        "misspelt setting": ("settings.cdir", ": no setting cdir; did you mean cidr?"),
        "misspelt setting of env": ("env.regoin", ": no setting regoin; did you mean region?"),
        "misspelt name": ("helpr(t)", ": no name helpr; did you mean helper?"),
        "misspelt member": ("ec2.Vpc", ": module troposphere.ec2 has no Vpc; did you mean VPC?"),
        "misspelt method": (VPC + "vpc.reff()", "; did you mean ref?"),
        "used too early": ("print(vpc); vpc = 1", ": vpc is used before it has a value"),
        "import": (
            "from troposphere.ec2 import Subnt",
            ": module troposphere.ec2 has no Subnt; did you mean Subnet?",
        ),
        "module": (
            "import troposphere.ecc2",
            ": no module troposphere.ecc2; did you mean troposphere.ec2?",
        ),
        "top module": ("import tropospher", ": no module tropospher; did you mean troposphere?"),
        "argument": (
            "helper(t, vcp=1)",
            ": helper() got an unexpected keyword argument 'vcp'; did you mean vpc?",
        ),
        "argument of a class": (
            "Outputs(vcp=1)",
            ": Outputs.__init__() got an unexpected keyword argument 'vcp'; did you mean vpc?",
        ),
        "key": ("{}['a']", ": no key 'a'"),
        "own refusal": ("raise ValueError('two zones at least')", ": two zones at least"),
        "any other": ("1 / 0", ": ZeroDivisionError: division by zero"),
        "property of a policy": (
            "from awacs.aws import Statement; Statement(Efect='Allow')",
            " Statement: no property Efect; did you mean Effect?",
        ),
        "missing property": (
            't.add_resource(ec2.Subnet("Subnet"))',
            " Subnet: property VpcId is missing in AWS::EC2::Subnet",
        ),
        "cycle": (
            VPC + 'loop = {}; loop["x"] = loop; vpc.Metadata = loop',
            " Vpc: a value contains itself",
        ),
        "no value": (
            VPC + 'vpc.Metadata = {"x": {1}}',
            " Vpc: {1} is set, which a template cannot contain",
        ),
    }.values(),
)
def test_the_message_of_an_error(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], body: str, expected: str
) -> None:
    """The message has file, line, resource, fact and suggestion, and nothing else is printed."""
    raised = mistake(tmp_path, body)

    place, _, _ = raised.message.partition(":")
    assert place == "stacks/network.py"
    assert expected in raised.message
    assert raised.message.count("\n") + 1 == 1
    assert capfd.readouterr() == ("", "")


def test_the_place_and_the_fact(tmp_path: Path) -> None:
    """The place has the form that editors open."""
    raised = mistake(tmp_path, VPC + "vpc.Cidr = 1")

    assert raised.message.startswith(f"stacks/network.py:{LINE + 1} Vpc: no property Cidr")
    assert raised.hint == "fix the stack file; --debug shows the traceback"
    assert isinstance(raised.__cause__, AttributeError)


def test_all_incomplete_resources_are_reported(tmp_path: Path) -> None:
    """Each incomplete resource is reported with its own line."""
    raised = mistake(tmp_path, 't.add_resource(ec2.Subnet("A"))\nt.add_resource(ec2.Subnet("B"))')

    assert [
        f"stacks/network.py:{LINE + number} {title}: property VpcId is missing in AWS::EC2::Subnet"
        for number, title in enumerate("AB")
    ] == raised.message.splitlines()


@pytest.mark.parametrize(
    ("field", "fact"),
    [
        ("odd: Foo", "no name Foo"),
        ("odd: helprs.Cidr", "no name helprs; did you mean helper?"),
        ("odd: ec2.Vpc", "module troposphere.ec2 has no Vpc; did you mean VPC?"),
        ("odd: int(wrong=1)", "'wrong' is an invalid keyword argument for int()"),
    ],
)
def test_the_type_of_a_setting(tmp_path: Path, field: str, fact: str) -> None:
    """An invalid annotation is reported with class, field and line of the stack file."""
    head = HEAD.replace('    cidr: str = "10.0.0.0/16"', f"    cidr: str = ''\n    {field} = 1")
    network = load(tmp_path, "network", VPC, head=head)
    settings = type(
        "Both", (Settings,), {"__annotations__": {"env": Env, "network": network.Settings}}
    )

    example = replace(project(tmp_path, lambda *_: None), config=settings)
    with (tmp_path / "config" / "dev.toml").open("a") as file:
        file.write("[network]\n")

    with pytest.raises(SynthError) as raised:
        example.open("dev")

    assert raised.value.message == f"stacks/network.py:10 Settings.odd: {fact}"


def test_an_error_in_a_rule_about_settings(tmp_path: Path) -> None:
    """An error in `__post_init__` is one of the stack file, not of the config file."""
    rule = "    def __post_init__(self): self.cdir\n\n@dataclass"
    head = HEAD.replace("@dataclass", rule, 1).replace("settings=Settings()", "settings")
    network = load(tmp_path, "network", VPC, head=head)
    settings = type(
        "Both", (Settings,), {"__annotations__": {"env": Env, "network": network.Settings}}
    )
    example = replace(project(tmp_path, lambda *_: None), config=settings)
    with (tmp_path / "config" / "dev.toml").open("a") as file:
        file.write("[network]\n")

    with pytest.raises(
        SynthError, match=r"stacks/network\.py:11: no setting cdir; did you mean cidr"
    ):
        example.open("dev")


def test_nothing_returned(tmp_path: Path) -> None:
    """A missing return is reported for the file that lacks it, not for the file that uses it."""
    head = HEAD.replace("settings=Settings()):", "settings=Settings()) -> Outputs:")
    network = load(tmp_path, "network", VPC, head=head)

    def layers(config: Config, _: Code) -> Layers:
        layers = Layers(config.env)
        layers.add("network", network.define)
        return layers

    with pytest.raises(SynthError) as raised:
        project(tmp_path, layers).open("dev")

    assert raised.value.message == "stacks/network.py: network: define returned nothing"


def test_an_unknown_artifact_bucket() -> None:
    """The artifact bucket must be an output of a stack."""
    layers = Layers(Env("cruddur", "crd", "x", "1" * 12, "ca-central-1", "x.example", "Z1", False))

    with pytest.raises(SynthError, match="use_artifact_bucket: 'x' is not an output of a stack"):
        layers.use_artifact_bucket("x")


def test_the_errors_of_several_stacks(tmp_path: Path) -> None:
    """Errors of several stacks are reported together; their dependents are skipped."""
    first = load(tmp_path, "first", VPC + "settings.cdir")
    second = load(tmp_path, "second", VPC + "return Outputs(vpc=vpc.reff())")

    def layers(config: Config, _: Code) -> Layers:
        layers = Layers(config.env)
        first_outputs = layers.add("first", first.define)
        layers.use_artifact_bucket(first_outputs.bucket)
        layers.add("above", first.define, first_outputs.vpc)
        layers.in_region("us-east-1").add("second", second.define)
        return layers

    with pytest.raises(SynthError) as raised:
        project(tmp_path, layers).open("dev")

    assert raised.value.message.splitlines() == [
        f"stacks/first.py:{LINE + 1}: no setting cdir; did you mean cidr?",
        f"stacks/second.py:{LINE + 1}: VPC has no reff; did you mean ref?",
    ]


def test_an_error_in_a_helper(tmp_path: Path) -> None:
    """An error in a helper also names the stack file that called it."""
    load(tmp_path, "parts", VPC + "settings.cdir")
    network = load(tmp_path, "network", "import mistaken_parts\nmistaken_parts.define(t, env)")

    def layers(config: Config, _: Code) -> Layers:
        layers = Layers(config.env)
        layers.add("network", network.define)
        return layers

    with pytest.raises(SynthError) as raised:
        project(tmp_path, layers).open("dev")

    assert raised.value.message == (
        f"stacks/parts.py:{LINE + 1}: no setting cdir; did you mean cidr?"
        f" (called from stacks/network.py:{LINE + 1})"
    )


def test_an_unknown_argument(tmp_path: Path) -> None:
    """The error has the line of the `add` call, and the hint lists the parameters of `define`."""
    network = load(tmp_path, "network", VPC)

    def layers(config: Config, _: Code) -> Layers:
        layers = Layers(config.env)
        layers.add("network", network.define, sittings=1)
        return layers

    with pytest.raises(SynthError) as raised:
        project(tmp_path, layers).open("dev")

    assert "network: define() got an unexpected keyword argument 'sittings'" in raised.value.message
    assert raised.value.message.startswith("deployer/test_stack_file_errors.py:")
    assert raised.value.hint == "define of stacks/network.py takes t, env, settings"


def test_a_deploy_error_is_unchanged(tmp_path: Path) -> None:
    """A DeployError keeps its own hint and exit code."""

    def layers(_config: Config, _: Code) -> Layers:
        raise ConfigError("said", hint="this way")

    with pytest.raises(ConfigError, match="said\nhint: this way"):
        project(tmp_path, layers).open("dev")


def test_a_bug_is_not_explained(tmp_path: Path) -> None:
    """An error raised outside of stacks/ is not explained."""

    def layers(_config: Config, _: Code) -> Layers:
        raise KeyError("not of a stack")

    with pytest.raises(KeyError, match="not of a stack"):
        project(tmp_path, layers).open("dev")


def test_a_bug_in_called_code_is_not_explained(tmp_path: Path) -> None:
    """An error in project code that a stack file calls is not explained."""
    network = load(tmp_path, "network", "settings()")
    (tmp_path / "deployer.py").write_text("def called():\n    raise KeyError('a bug')\n")
    spec = importlib.util.spec_from_file_location("mistaken_deployer", tmp_path / "deployer.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def layers(config: Config, _: Code) -> Layers:
        layers = Layers(config.env)
        layers.add("network", network.define, module.called)
        return layers

    with pytest.raises(KeyError, match="a bug"):
        project(tmp_path, layers).open("dev")


def test_files_with_syntax_errors(tmp_path: Path) -> None:
    """Every file with a syntax error is reported, with its line."""
    folder = tmp_path / "stacks"
    folder.mkdir()
    (folder / "a.py").write_text("x = (1\n")
    (folder / "b.py").write_text("x = 1\n\ndef f(:\n")
    (folder / "c.py").write_text("x = 1\n")
    (folder / "d.py").write_bytes(b"x = 1\0")

    assert stack_file_errors.syntax_errors(folder) == [
        "stacks/a.py:1: '(' was never closed",
        "stacks/b.py:3: invalid syntax",
        "stacks/d.py: source code string cannot contain null bytes",
    ]
