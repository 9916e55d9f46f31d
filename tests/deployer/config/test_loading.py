"""Loading config files."""

from __future__ import annotations

import json
import random
import traceback
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import jsonschema
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Meta

from deployer import config, model, secret_detection
from deployer.config import fields
from deployer.errors import ConfigError
from stacks import Config

ROOT = Path(__file__).parents[3]


class Env(fields.Settings, frozen=True):
    name: fields.Name
    account: fields.AccountId
    region: fields.Region
    domain: fields.Domain
    protect: bool


class NetworkSettings(fields.Settings, frozen=True):
    """The `[network]` table."""

    cidr: fields.Cidr
    zones: Annotated[int, Meta(ge=2, le=3)]
    nat: Literal["none", "single", "per-zone"]
    guests: tuple[fields.Cidr, ...] = ()


class ServiceSettings(fields.Settings, frozen=True):
    size: fields.FargateSize
    port: fields.Port
    mails: tuple[fields.Email, ...]
    note: str


class Example(fields.Settings, frozen=True):
    env: Env
    network: NetworkSettings
    service: ServiceSettings


GOOD = {
    "env": {
        "name": "dev",
        "account": "111111111111",
        "region": "ca-central-1",
        "domain": "dev.cruddur.example",
        "protect": False,
    },
    "network": {"cidr": "10.1.0.0/16", "zones": 2, "nat": "none"},
    "service": {
        "size": {"cpu": 256, "memory_mib": 512},
        "port": 4567,
        "mails": ["ops@cruddur.example", "dev@cruddur.example"],
        "note": "",
    },
}


def toml(value) -> str:
    """Return *value* as TOML: JSON text, numbers and lists are valid TOML; tables are inline."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def text_of(tables) -> str:
    rows = []
    for name, table in tables.items():
        rows.append(f"[{name}]")
        rows += [f"{key} = {toml(value)}" for key, value in table.items()]
    return "\n".join(rows) + "\n"


def write(folder, name, /, *, cidr="10.1.0.0/16", **env) -> Path:
    """Write a valid file with the given changes."""
    tables = GOOD | {
        "env": GOOD["env"] | {"name": name} | env,
        "network": GOOD["network"] | {"cidr": cidr},
    }
    path = folder / f"{name}.toml"
    path.write_text(text_of(tables), "utf-8")
    return path


def refused(path) -> ConfigError:
    with pytest.raises(ConfigError) as refusal:
        config.load(path, Example)
    return refusal.value


# Reading.


def test_a_file_becomes_frozen_values(tmp_path):
    """A valid file becomes typed values that cannot be changed."""
    path = write(tmp_path, "dev")

    loaded = config.load(path, Example)

    assert fields.Cidr("10.1.0.0/16") == loaded.network.cidr
    with pytest.raises(AttributeError):
        loaded.network.cidr = None


def test_every_error_is_in_one_report(tmp_path):
    """One report lists every error of a file, in its order, each with its line."""
    path = tmp_path / "dev.toml"
    path.write_text(
        """\
# A test.
[env]
name = "dve"
account = "12345"
region = "ca-centrel-1"
protect = "no"

[netwrok]
cidrr = "10.1.0.0/16"
zones = 4
nat = "none"
guests = [
  "10.2.0.0/24",
  "10.1.1.0/24",
]

[service]
size = { cpu = 256, memory_mib = 4096 }
port = 4567
mails = []
note = ""
"""
    )

    error = refused(path)

    assert (
        error.message
        == f"""\
{path}:2: env.domain: missing; it takes a domain name in lower case and without www., such as cruddur.com
{path}:3: env.name: 'dve' is not the name of the file, 'dev'
{path}:4: env.account: '12345' is not a 12-digit account id
{path}:5: env.region: 'ca-centrel-1' is not an AWS region; did you mean 'ca-central-1'?
{path}:6: env.protect: 'no' is not true or false; it takes no quotes
{path}:8: netwrok: unknown table; did you mean 'network'?
{path}:9: netwrok.cidrr: unknown key; did you mean 'cidr'?
{path}:10: netwrok.zones: 4 is not a whole number from 2 to 3
{path}:12: netwrok.guests[1]: 10.1.1.0/24 overlaps 10.1.0.0/16, netwrok.cidrr
{path}:18: service.size.memory_mib: 256 CPU units go with 512 to 2048 MiB of memory, in steps, not 4096; \
did you mean 2048?"""
    )


@pytest.mark.parametrize(
    ("data", "fact"),
    [
        (b"", ": is empty"),
        (b"\xef\xbb\xbf# Only a comment.\r\n", ": is empty"),
        (b"[env]\nname = dev\n", ":2: column 8: this is not a value; text needs quotes"),
        (b"\xff\xfea\0", ": is not UTF-8: byte 1"),
    ],
)
def test_an_unreadable_file_is_one_error(tmp_path, data, fact):
    """An unreadable file has one error, not one for each missing key."""
    path = tmp_path / "dev.toml"
    path.write_bytes(data)

    error = refused(path)

    assert error.message == f"{path}{fact}"


def test_a_missing_file_is_an_error(tmp_path):
    """The error for a missing file contains its name."""
    path = tmp_path / "dev.toml"

    error = refused(path)

    assert error.message == f"{path}: cannot be read: No such file or directory"


def test_a_file_written_on_windows(tmp_path):
    """A byte order mark and Windows line ends change nothing."""
    path = write(tmp_path, "dev")
    expected = config.load(path, Example)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))

    loaded = config.load(path, Example)

    assert expected == loaded


# Several environments.


def test_environments_are_the_files(tmp_path):
    """The environments of a folder are its TOML files, by name."""
    names = ("prod.toml", "dev.toml", "schema.json", "dev.toml~", "._dev.toml", ".#dev.toml")
    for name in names:
        (tmp_path / name).touch()

    found = config.environments(tmp_path)

    assert found == ("dev", "prod")


def test_an_environment_is_found(tmp_path):
    """An environment's file is found by its name."""
    path = write(tmp_path, "dev")

    found = config.find(tmp_path, "dev")

    assert path == found


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ("prd", "unknown environment 'prd'; did you mean 'prod'?"),
        ("staging", "unknown environment 'staging'"),
        ("../dev", "unknown environment '../dev'; did you mean 'dev'?"),
        ("", "unknown environment ''"),
    ],
)
def test_an_unknown_environment_suggests_the_closest(tmp_path, env, message):
    """A misspelt environment is refused with the closest name and the list of all names."""
    for name in ("prod", "dev", "local"):
        write(tmp_path, name)

    with pytest.raises(ConfigError) as refusal:
        config.find(tmp_path, env)

    assert (message, "there are: dev, local, prod") == (refusal.value.message, refusal.value.hint)


def test_an_empty_folder_has_no_environment(tmp_path):
    """Without any file the hint is to write one."""
    with pytest.raises(ConfigError) as refusal:
        config.find(tmp_path, "dev")

    assert refusal.value.hint == f"{tmp_path} has no file NAME.toml"


def test_all_environments_are_loaded(tmp_path):
    """All environments of a folder are returned by name."""
    write(tmp_path, "prod", cidr="10.2.0.0/16")
    write(tmp_path, "dev")

    loaded = config.load_all(tmp_path, Example)

    assert {name: str(config.network.cidr) for name, config in loaded.items()} == {
        "dev": "10.1.0.0/16",
        "prod": "10.2.0.0/16",
    }


def test_networks_of_two_environments_must_not_overlap(tmp_path):
    """An environment is refused if its network overlaps that of another one, which is named."""
    write(tmp_path, "prod", cidr="10.1.128.0/20")
    path = write(tmp_path, "dev")

    error = refused(path)

    overlap = "10.1.0.0/16 overlaps 10.1.128.0/20, network.cidr of prod.toml"
    assert error.message == f"{path}:8: network.cidr: {overlap}"


class Owned(fields.Settings, frozen=True):
    """A config with the table that names its stacks."""

    env: model.Env


def owned(folder, name, prefix="crd", **more):
    """Write the file of an environment with these names."""
    env = {"project": "cruddur", "prefix": prefix, "name": name, "account": "1" * 12}
    env |= {"region": "ca-central-1", "domain": f"{name}.example", "hosted_zone": "Z1"}
    text = "".join(f"{key} = {toml(value)}\n" for key, value in (env | more).items())
    path = folder / f"{name}.toml"
    path.write_text(f"[env]\n{text}protect = false\n")
    return path


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("local", "crd"), ("local-two", "crd")),
        (("two", "crd-local"), ("local", "crd")),
        (("two", "crd-local"), ("local-two", "crd")),
    ],
    ids=["name", "prefix", "the same in two ways"],
)
def test_names_that_policies_cannot_distinguish_are_refused(tmp_path, one, other):
    """An environment is refused if a pattern of its names, such as crd-local-*, matches another one."""
    files = [owned(tmp_path, *one), owned(tmp_path, *other)]
    begin = [f"{prefix}-{name}-" for name, prefix in (one, other)]

    for file, beside, mine, theirs in (
        (files[0], files[1], *begin),
        (files[1], files[0], *reversed(begin)),
    ):
        with pytest.raises(ConfigError) as refusal:
            config.load(file, Owned)
        fact = f"stacks begin with {mine}, those of {beside.name} with {theirs}"
        assert refusal.value.message == f"{file}:4: env.name: {fact}"
        assert "no PREFIX-NAME- is the beginning of another one" in refusal.value.hint
    with pytest.raises(ConfigError, match=r"env\.name: stacks begin with"):
        config.load_all(tmp_path, Owned)


def test_names_that_policies_can_distinguish_are_accepted(tmp_path):
    """Names that share only their first letters are accepted."""
    for name in ("dev", "devel", "two-dev", "prod-eu"):
        owned(tmp_path, name)

    assert tuple(config.load_all(tmp_path, Owned)) == ("dev", "devel", "prod-eu", "two-dev")


def test_names_are_compared_with_a_file_that_has_errors(tmp_path):
    """The names are compared even if the other file has errors, since its stacks may exist."""
    owned(tmp_path, "local-two", account="12345")
    path = owned(tmp_path, "local")

    with pytest.raises(ConfigError, match=r"those of local-two\.toml with crd-local-two-"):
        config.load(path, Owned)


@pytest.mark.parametrize("name", ["dev-", "dev--two", "-dev", "a" * 21])
def test_names_that_some_service_refuses(tmp_path, name):
    """RDS refuses names with two hyphens in a row, a load balancer names that end with one."""
    with pytest.raises(ConfigError, match="single hyphens within, a letter first"):
        config.load(owned(tmp_path, name), Owned)


def test_errors_of_another_environment_do_not_block(tmp_path):
    """Errors in another environment do not prevent loading this one."""
    write(tmp_path, "prod", account="12345")
    (tmp_path / "local.toml").write_text("[env")
    path = write(tmp_path, "dev")

    loaded = config.load(path, Example)

    assert loaded.env.name == "dev"


def test_all_errors_of_all_files_are_in_one_report(tmp_path):
    """Loading all environments reports the errors of each, and each overlap once."""
    dev = write(tmp_path, "dev", account="12345")
    local = tmp_path / "local.toml"
    local.write_text("[env")
    prod = write(tmp_path, "prod", name="dev")

    with pytest.raises(ConfigError) as refusal:
        config.load_all(tmp_path, Example)

    assert (
        refusal.value.message
        == f"""\
{dev}:3: env.account: '12345' is not a 12-digit account id
{local}:1: Expected ']' at the end of a table declaration
{prod}:2: env.name: 'dev' is not the name of the file, 'prod'
{prod}:8: network.cidr: 10.1.0.0/16 overlaps 10.1.0.0/16, network.cidr of dev.toml\
"""
    )


# Errors at random places of a valid config.


class PlantedError(NamedTuple):
    """A change to a valid config, and the line that the report must contain."""

    table: str
    change: dict[str, object]
    fact: str


ZONES = "a whole number from 2 to 3"
PLANTED_ERRORS = [
    PlantedError("env", {"account": "12345"}, "env.account: '12345' is not a 12-digit account id"),
    PlantedError("env", {"region": 1}, "env.region: 1 is not an AWS region; it needs quotes"),
    PlantedError(
        "env", {"protect": "yes"}, "env.protect: 'yes' is not true or false; it takes no quotes"
    ),
    PlantedError("env", {"name": "prod"}, "env.name: 'prod' is not the name of the file, 'dev'"),
    PlantedError(
        "env",
        {"domain": None},
        "env.domain: missing; it takes a domain name in lower case and without www., such as cruddur.com",
    ),
    PlantedError(
        "network",
        {"cidr": "10.1.0.1/16"},
        "network.cidr: 10.1.0.1/16 has host bits set; did you mean '10.1.0.0/16'?",
    ),
    PlantedError("network", {"zones": 4}, f"network.zones: 4 is not {ZONES}"),
    PlantedError(
        "network",
        {"nat": "singel"},
        "network.nat: 'singel' is not one of none, single, per-zone; did you mean 'single'?",
    ),
    PlantedError(
        "network",
        {"qqq": 1},
        "network.qqq: unknown key; there are cidr, zones, nat, guests",
    ),
    PlantedError(
        "network",
        {"guests": ["10.3.0.0/24", "10.3.0.0/25"]},
        "network.guests[1]: 10.3.0.0/25 overlaps 10.3.0.0/24, network.guests[0]",
    ),
    PlantedError(
        "service",
        {"port": None, "prot": 80},
        "service.prot: unknown key; did you mean 'port'?",
    ),
    PlantedError("service", {"size": None}, "service.size: missing; it takes a table"),
    PlantedError("service", {"mails": ["a"]}, "service.mails[0]: 'a' is not an email address"),
    PlantedError(
        "service", {"note": True}, "service.note: true is not text in quotes; it needs quotes"
    ),
]


def planted(errors) -> dict:
    tables = {name: dict(table) for name, table in GOOD.items()}
    for error in errors:
        tables[error.table] |= error.change
    return {
        name: {key: value for key, value in table.items() if value is not None}
        for name, table in tables.items()
    }


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(errors=st.lists(st.sampled_from(PLANTED_ERRORS), min_size=1, unique_by=id))
def test_each_planted_error_is_reported_and_no_other(tmp_path, errors):
    """For any combination of errors, the report has one line for each, with its line number."""
    path = tmp_path / "dev.toml"
    path.write_text(text_of(planted(errors)))
    rows = path.read_text().splitlines()

    reported = refused(path).message.splitlines()

    facts, numbers = [], {}
    for line in reported:
        number, fact = line.removeprefix(f"{path}:").split(": ", 1)
        facts.append(fact)
        numbers[fact] = int(number)
    assert sorted(error.fact for error in errors) == sorted(facts)
    for error in errors:
        row = rows[numbers[error.fact] - 1]
        assert row.startswith((f"{[*error.change][-1]} = ", f"[{error.table}]"))


names = st.from_regex(r"[a-z](-?[a-z0-9]){0,9}", fullmatch=True)
sizes = st.sampled_from(
    [(cpu, memory) for cpu, all_ in fields.FARGATE_MEMORY_MIB.items() for memory in all_]
)
words = st.text(st.characters(exclude_categories=["C", "Z"]), max_size=60).filter(
    lambda text: text.isprintable() and not any(secret_detection.find(text))
)
cidrs = st.integers(0, 255).map(lambda second: f"10.{second}.0.0/16")
valid = st.fixed_dictionaries(
    {
        "env": st.fixed_dictionaries(
            {
                "name": names,
                "account": st.from_regex(r"[0-9]{12}", fullmatch=True),
                "region": st.sampled_from(["ca-central-1", "us-east-1"]),
                "domain": names.filter(lambda name: name[-1] != "-").map("{}.example".format),
                "protect": st.booleans(),
            }
        ),
        "network": st.fixed_dictionaries(
            {
                "cidr": cidrs,
                "zones": st.integers(2, 3),
                "nat": st.sampled_from(["none", "single", "per-zone"]),
                "guests": st.sampled_from([[], ["192.168.0.0/24", "192.168.1.0/24"]]),
            }
        ),
        "service": st.fixed_dictionaries(
            {
                "size": sizes.map(lambda size: {"cpu": size[0], "memory_mib": size[1]}),
                "port": st.integers(1, 65535),
                "mails": st.lists(names.map("{}@cruddur.example".format), max_size=3),
                "note": words,
            }
        ),
    }
)


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(tables=valid)
def test_any_valid_config_is_loaded(tmp_path, tables):
    """The loaded values equal the values of the file."""
    folder = tmp_path / tables["env"]["name"]
    folder.mkdir(exist_ok=True)
    path = folder / f"{folder.name}.toml"
    path.write_text(text_of(tables), "utf-8")

    loaded = config.load(path, Example)

    assert tables == json.loads(msgspec.json.encode(loaded, enc_hook=str))


# Secrets.


def random_text(seed: int, alphabet: str, length: int) -> str:
    return "".join(random.Random(seed).choices(alphabet, k=length))


UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
MIXED = UPPER + UPPER.lower()


def secret_key(seed: int) -> str:
    """Return a key like those of AWS; the rare ones without a digit are not detected."""
    return "x7Q" + random_text(seed, MIXED + "0189+/", 37)


FORMS = {
    "an AWS access key id": lambda seed: "AKIA" + random_text(seed, UPPER, 16),
    "an AWS secret access key": secret_key,
    "a GitHub token": lambda seed: "ghp_" + random_text(seed, MIXED, 36),
    "a Slack token": lambda seed: "xoxb-" + random_text(seed, MIXED, 24),
    "a URL with a password": lambda seed: f"https://root:{random_text(seed, MIXED, 12)}@db/crd",
    "a private key": lambda seed: (
        "-----BEGIN PRIVATE" + f" KEY-----{secret_key(seed)}-----END PRIVATE" + " KEY-----"
    ),
}
PLACES = {
    "a value": lambda text, hidden: text.replace('"111111111111"', f'"{hidden}"'),
    "in a longer value": lambda text, hidden: text.replace('note = ""', f'note = "a {hidden} b"'),
    "a value of another type": lambda text, hidden: text.replace("4567", f'"{hidden}"'),
    "in a list": lambda text, hidden: text.replace("ops@cruddur.example", hidden),
    "an unknown key's value": lambda text, hidden: text + f'unknown = "{hidden}"\n',
    "a key": lambda text, hidden: text + f'"{hidden}" = 1\n',
    "a table": lambda text, hidden: text + f'["{hidden}"]\n',
    "twice a table": lambda text, hidden: text + f'["{hidden}"]\n["{hidden}"]\n',
    "in place of a table": lambda text, hidden: text.replace("{", f'"{hidden}" #'),
    "a comment": lambda text, hidden: text + f"# {hidden}\n",
    "before a syntax error": lambda text, hidden: text + f'a = "{hidden}" b\n',
    "in a syntax error": lambda text, hidden: text + f"{hidden}\n",
    "a choice": lambda text, hidden: text.replace('"none"', f'"{hidden}"'),
    "a name": lambda text, hidden: text.replace('"dev"', f'"{hidden}"'),
    "escaped": lambda text, hidden: text + f'unknown = "\\u{ord(hidden[0]):04x}{hidden[1:]}"\n',
    "a key, escaped": lambda text, hidden: (
        text + f'"\\u{ord(hidden[0]):04x}{hidden[1:]}" = "{hidden}"\n'
    ),
}


@settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    kind=st.sampled_from(sorted(FORMS)),
    place=st.sampled_from(sorted(PLACES)),
    seed=st.integers(0, 10**6),
)
def test_a_secret_is_refused_and_never_shown(tmp_path, kind, place, seed):
    """A secret anywhere in a file is refused by kind, and no message repeats it."""
    hidden = FORMS[kind](seed)
    path = tmp_path / "dev.toml"
    path.write_text(PLACES[place](text_of(GOOD), hidden))

    error = refused(path)

    text = "".join(traceback.format_exception(error))
    assert f"looks like {kind}" in text
    assert hidden not in text
    assert hidden[4:-1] not in text


@pytest.mark.parametrize(
    ("row", "fact"),
    [
        ('db_password = "hunter2"', "16: service.db_password: looks like a password"),
        ("# password = hunter2", "16: looks like a password"),
        ('api_tokens = ["hunter2"]', "16: service.api_tokens[0]: looks like a password"),
        ('password = """\nhunter2"""', "16: service.password: looks like a password"),
        ('x = { password = "hunter2" }', "16: service.x.password: looks like a password"),
    ],
)
def test_a_password_is_recognised_by_its_name(tmp_path, row, fact):
    """A value whose key is called a password is refused, whatever its form."""
    path = write(tmp_path, "dev")
    path.write_text(path.read_text() + row + "\n")

    error = refused(path)

    assert f"{path}:{fact}" in error.message.splitlines()
    assert "hunter2" not in str(error)


def test_a_reference_to_a_secret_is_accepted(tmp_path):
    """The name of a parameter is accepted, whatever its key is called."""
    path = write(tmp_path, "dev")
    path.write_text(path.read_text() + 'access_token = "/cruddur/dev/token"\n')

    error = refused(path)

    assert f"{path}:16: service.access_token: unknown key; there are size, port, mails, note" == (
        error.message
    )


def test_a_secret_has_one_error(tmp_path):
    """A secret is reported once, by its key, and its other errors are not."""
    path = write(tmp_path, "dev", account="AKIA" + "IOSFODNN7EXAMPLE")

    error = refused(path)

    assert error.message == f"{path}:3: env.account: looks like an AWS access key id"
    assert "rotate it" in error.hint


# The schema for editors.


def validator(type_) -> jsonschema.Draft202012Validator:
    read = json.loads(config.schema(type_))
    jsonschema.Draft202012Validator.check_schema(read)
    return jsonschema.Draft202012Validator(read)


def test_the_schema_accepts_a_valid_config():
    """The schema accepts a valid file."""
    found = list(validator(Example).iter_errors(GOOD))

    assert found == []


FOUND_BY_DEPLOYER_ONLY = ("has host bits", "overlaps", "not the name of the file")


@pytest.mark.parametrize(
    "error",
    [
        error
        for error in PLANTED_ERRORS
        if not any(fact in error.fact for fact in FOUND_BY_DEPLOYER_ONLY)
    ],
    ids=lambda error: error.fact,
)
def test_the_schema_finds_most_errors(error):
    """The schema finds each error that needs neither arithmetic nor other files."""
    found = list(validator(Example).iter_errors(planted([error])))

    assert found != []


def test_the_schema_describes_each_key():
    """The schema has the description of a key, or else that of its type."""
    network = json.loads(config.schema(Example))["$defs"]["NetworkSettings"]

    described = (network["description"], network["properties"]["cidr"]["description"])

    assert ("The `[network]` table.", fields.Cidr.words) == described


def test_the_committed_schema_is_fresh():
    """config/schema.json equals the schema of the stacks' settings."""
    expected = config.schema(Config)

    actual = (ROOT / "config" / "schema.json").read_text("utf-8")

    assert expected == actual, "write it anew: ./inv synth"


def test_environments_of_this_repository_are_valid():
    """Each environment of this repository can be loaded, alone and with all the others."""
    folder = ROOT / "config"

    loaded = config.load_all(folder, Config)

    assert config.environments(folder) == tuple(loaded)
    for env in loaded:
        assert loaded[env] == config.load(config.find(folder, env), Config)
