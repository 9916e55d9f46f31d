"""Loading a config file reports settings that AWS would reject, with line, key and a hint."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from deployer import config
from deployer.errors import ConfigError
from stacks import Config

FOLDER = Path(__file__).parents[2] / "config"


def refused(folder, changes):
    """Return the key and the fact of each error, for dev.toml with *changes*."""
    text = (FOLDER / "dev.toml").read_text("utf-8")
    for key, value in changes.items():
        table, _, name = key.partition(".")
        head, start, rest = text.partition(f"[{table}]\n")
        assert start, table
        if re.search(rf"^{name} = ", rest, re.MULTILINE):
            rest = re.sub(rf"^{name} = .*$", f"{name} = {value}", rest, count=1, flags=re.MULTILINE)
        else:
            rest = f"{name} = {value}\n{rest}"
        text = f"{head}{start}{rest}"
    path = folder / "dev.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigError) as raised:
        config.load(path, Config)
    rows = text.split("\n")
    return [
        (rows[int(line) - 1].partition(" ")[0], fact)
        for line, fact in re.findall(r"dev\.toml:(\d+): (.*)", raised.value.message)
    ]


@pytest.mark.parametrize(
    ("name", "fact"),
    [
        ("rollbar_access_token", "'rollbar_access_token' is not the name of a variable such as"),
        ("hunter2", "looks like a password"),
    ],
)
def test_a_misspelt_name_of_a_secret_is_not_a_password(tmp_path, name, fact):
    """A name in lower case is reported as an invalid name; other text is masked as a secret."""
    [(_, found)] = refused(tmp_path, {"service.secrets": f'["{name}"]'})

    assert f"service.secrets[0]: {fact}" in found


@pytest.mark.parametrize(
    ("key", "value", "fact"),
    [
        (
            "cdn.connect_origins",
            '["https://a.b:0"]',
            "cdn.connect_origins[0]: 'https://a.b:0' is not a scheme and host",
        ),
        (
            "cdn.connect_origins",
            '["https://a.b:8443", "https://a..b"]',
            "cdn.connect_origins[1]: 'https://a..b' is not a scheme and host",
        ),
        (
            "env.ignored_drifts",
            '[{ resource = "a/B", property = "/C", reason = "for a test", until = "2027-02-31" }]',
            "env.ignored_drifts[0].until: 2027-02-31 does not exist",
        ),
    ],
)
def test_an_invalid_value_in_a_list(tmp_path, key, value, fact):
    """The error has the position of the value in the list."""
    [(_, found)] = refused(tmp_path, {key: value})

    assert found.startswith(fact)


@pytest.mark.parametrize(
    ("key", "value", "fact"),
    [
        (
            "database.instance_class",
            '"db.t99.huge"',
            (
                "'db.t99.huge' is not an RDS instance class, such as db.t4g.micro;"
                " did you mean 'db.t3.large'?"
            ),
        ),
        (
            "database.instance_class",
            '"db.t4g.mirco"',
            (
                "'db.t4g.mirco' is not an RDS instance class, such as db.t4g.micro;"
                " did you mean 'db.t4g.micro'?"
            ),
        ),
        (
            "database.instance_class",
            '"db.m9g.large"',
            "RDS does not offer db.m9g.large in ca-central-1; did you mean 'db.m8gd.large'?",
        ),
        (
            "database.engine_version",
            '"18.5"',
            (
                "'18.5' is not a PostgreSQL version that RDS can create, such as 18.6;"
                " did you mean '18.6'?"
            ),
        ),
        ("database.engine_version", "18.6", "18.6 is not a PostgreSQL version"),
        ("database.backup_window", '"07:00-07:20"', "20 minutes; RDS requires 30 or more"),
        ("database.backup_window", '"07:00-07:00"', "0 minutes; RDS requires 30 or more"),
        ("database.maintenance_window", '"sun:08:00-sun:08:20"', "20 minutes; RDS requires 30"),
        (
            "database.maintenance_window",
            '"sun:07:15-sun:07:45"',
            "sun:07:15-sun:07:45 overlaps the backup_window, 07:00-07:30",
        ),
        (
            "database.maintenance_window",
            '"sat:23:00-sun:08:30"',
            "sat:23:00-sun:08:30 overlaps the backup_window, 07:00-07:30",
        ),
        ("database.max_storage_gib", "20", "is not a size from 25 to 65536 GiB"),
        ("database.slow_statement_ms", "3000000000", "is not a number of milliseconds"),
        ("database.log_retention_days", "10", "did you mean 7?"),
        ("functions.runtime", '"python3.12"', "did you mean 'python3.14'?"),
        ("env.region", '"eu-centarl-1"', "did you mean 'eu-central-1'?"),
        (
            "env.domain",
            '"www.cruddur.example"',
            "is not a domain name in lower case and without www.",
        ),
        (
            "env.domain",
            f'"{"a" * 53}.example"',
            "would have 65 characters, and a certificate allows 64; use a domain that is shorter by 1",
        ),
        ("network.cidr", '"10.1.0.0/24"', "10.1.0.0/24 is too small for the subnets"),
        ("cluster.health_check_path", '"health"', "'health' is not a path that starts with /"),
        ("service.trace_exporter_url", '"honeycomb"', "is not the URL of an OTLP/HTTP endpoint"),
        ("service.trace_exporter_url", '"https://a.b:65536"', "is not the URL of an OTLP/HTTP"),
        ("service.trace_exporter_url", '"https://..."', "is not the URL of an OTLP/HTTP endpoint"),
        ("cdn.traces_url", '"https://-/v1"', "is not an OTLP address for traces of browsers"),
        ("cdn.traces_url", '"https://a.b:70000/"', "is not an OTLP address for traces of browsers"),
        ("env.ignored_drifts", "{ until = 1 }", "a table is not a list; its header takes double"),
        ("service.size", "[{ cpu = 256 }]", "a list of 1 is not a table; its header takes single"),
        (
            "service.collector_image",
            '"aws-otel-collector:latest"',
            "is not an image with its digest",
        ),
        *(
            ("env.prefix", f'"{prefix}"', f"{service} does not allow names that start with")
            for prefix, service in {
                "aws": "Parameter Store",
                "ssmall": "Parameter Store",
                "internal": "Elastic Load Balancing",
                "sthree": "S3",
                "amzn-s3-demo": "S3",
            }.items()
        ),
        ("foundation.alert_emails", '["a@b.ca", "a@b.ca"]', "a@b.ca is listed twice"),
        (
            "foundation.alert_emails",
            '["a@b.ca", "A@b.ca"]',
            "a@b.ca and A@b.ca differ only in case",
        ),
        (
            "foundation.alert_emails",
            f'["{"a" * 60}@{"b" * 20}.ca", "{"a" * 60}@{"b" * 23}.ca"]',
            f"crd-dev-monthly-{'a' * 60}{'b' * 23}ca would have 101 characters, and AWS Budgets allows",
        ),
        ("service.secrets", '["A_B", "C_D", "A_B"]', "A_B is listed twice"),
        ("service.secrets", '["FRONTEND_URL"]', "FRONTEND_URL is a variable that the stack sets"),
        ("monitoring.latency_ms", "9" * 23, "is not 1 to 3600000 milliseconds"),
        ("env.name", "2026-12-01", "2026-12-01 is not a name of up to 20"),
        ("env.former_regions", '["ca-central-1"]', "ca-central-1 is env.region"),
        ("service.name", '"collector"', "collector is the name of another container of the task"),
        ("network.cidr", '"127.0.0.0/16"', "127.0.0.0/16 has no addresses for hosts"),
        ("service.max_tasks", "0", "is not 1 to 100 tasks"),
        ("service.min_tasks", "3", "2 is less than min_tasks = 3"),
        ("service.port", "80", "is 80, and cluster.port is 4567"),
        ("site_publisher.owner_id", "7", "owner_id and repository_id go together"),
    ],
)
def test_an_invalid_value(tmp_path, key, value, fact):
    """The error has the line of the invalid key, or of one key of an invalid combination."""
    [(name_found, found)] = refused(tmp_path, {key: value})

    name = "max_tasks" if key == "service.min_tasks" else key.partition(".")[2]
    name = "maintenance_window" if "overlaps" in fact else name
    name = "repository_id" if key == "site_publisher.owner_id" else name
    assert name == name_found
    assert f"{key.partition('.')[0]}.{name}: " in found
    assert fact in found


def test_the_memory_of_a_task(tmp_path):
    """The error of an unsupported pair of CPU and memory suggests the nearest supported memory."""
    [(name_found, found)] = refused(tmp_path, {"service.size": "{ cpu = 256, memory_mib = 3000 }"})

    assert name_found == "size"
    assert "service.size.memory_mib: 256 CPU units go with" in found
    assert found.endswith("did you mean 2048?")


def test_a_window_over_midnight(tmp_path):
    """A window over midnight has its full length, and can overlap another window."""
    windows = {
        "database.backup_window": '"23:50-00:30"',
        "database.maintenance_window": '"mon:00:15-mon:00:45"',
    }

    [(_, found)] = refused(tmp_path, windows)

    assert "overlaps the backup_window, 23:50-00:30" in found


def test_errors_of_several_tables(tmp_path):
    """Errors of several tables are reported together."""
    changes = {"database.instance_class": '"db.t99.huge"', "functions.runtime": '"python2"'}

    assert [name for name, _ in refused(tmp_path, changes)] == ["runtime", "instance_class"]


def test_a_table_that_is_missing_in_all_files(tmp_path):
    """The table of a new stack is reported for every environment."""
    for file in FOLDER.glob("*.toml"):
        text, _, last = file.read_text("utf-8").rpartition("\n[")
        (tmp_path / file.name).write_text(text, "utf-8")
    table = last.partition("]")[0]

    with pytest.raises(ConfigError) as raised:
        config.load(tmp_path / "dev.toml", Config)

    missing = f"{table}: missing; it takes a table"
    assert {f"{tmp_path / name}.toml: {missing}" for name in ("dev", "local", "prod")} == {
        *raised.value.message.splitlines()
    }
