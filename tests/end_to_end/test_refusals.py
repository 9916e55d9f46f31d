"""Refused commands: one error with a hint, no traceback, no change."""

from __future__ import annotations

import pytest

import emulator
from tests.end_to_end import checkout as checkouts
from tests.end_to_end.checkout import DEV

DEV_ROOT = {"AWS_ACCESS_KEY_ID": DEV}  # Its secret is known when a server runs: `with_secret`.
NOBODY = {"AWS_EC2_METADATA_DISABLED": "true"}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Yield a copy with the small stacks and an environment `dev`; nothing is deployed."""
    copied = checkouts.tiny(tmp_path_factory.mktemp("place"))
    copied.configure("dev")
    copied.run("synth")
    with copied.wire() as copied.between:
        yield copied
    emulator.stop(copied.emulator)


def refusal(ran):
    """Return the error that a command printed, and its hint."""
    assert "" == ran.out
    assert 1 == ran.err.count("error: ")
    error, hint = ran.err[ran.err.index("error: ") :].split("hint:")
    return error.removeprefix("error: ").strip(), hint.strip()


@pytest.mark.parametrize(
    ("task", "code", "words", "hint"),
    [
        (
            ["deploy", "--stack=rihgt", "--stack=x"],
            1,
            "did you mean 'right'?\n       --stack=x: there is no such stack",
            "the stacks are: ground, far, left, right, top",
        ),
        (["destroy", "--stack=rihgt"], 1, "did you mean 'right'?", "the stacks are: ground, far"),
        (
            ["deploy", "--stack=CrdCluster"],
            1,
            "--stack=CrdCluster: the name here is 'cluster'",
            "the stacks are",
        ),
        (["deploy", "--env=dve"], 1, "dve", "dev"),
        (["outputs", "--format=xml"], 1, "--format=xml: unknown", "one of: table, json, dotenv"),
        (["graph", "--format=svg"], 1, "--format=svg: unknown", "one of: mermaid, dot"),
        (["deploy", "--jobs=0"], 1, "--jobs=0: nothing would start", "use --jobs=1 or more"),
    ],
)
def test_unknown_names(place, task, code, words, hint):
    """The error for an unknown name lists the known names, or suggests one."""
    error, way_out = refusal(place.run(*task, code=code))

    assert words in error
    assert hint in way_out
    assert [] == place.between.written


@pytest.mark.parametrize(
    ("env", "code", "words", "hint"),
    [
        (NOBODY, 3, "Unable to locate credentials", f"log in to account {DEV}"),
        ({"AWS_PROFILE": "gone"}, 3, "The config profile (gone) could not be found", "log in"),
        (
            DEV_ROOT | {"AWS_ACCESS_KEY_ID": "333333333333"},
            3,
            "dev: these are credentials of account 333333333333, not of 111111111111",
            "they belong to arn:aws:iam::333333333333:root",
        ),
        (
            DEV_ROOT | {"AWS_DEFAULT_REGION": "eu-west-1"},
            3,
            "AWS_DEFAULT_REGION: the region is eu-west-1, but ca-central-1 in the config file",
            "unset or remove each of them",
        ),
        (
            DEV_ROOT | {"AWS_ENDPOINT_URL_STS": "http://127.0.0.1:9", "AWS_DATA_PATH": "/models"},
            3,
            (
                "dev: AWS_DATA_PATH: replaces the endpoint rules of AWS\n"
                "       dev: AWS_ENDPOINT_URL_STS: sends requests to another address"
            ),
            "--env=local",
        ),
        (DEV_ROOT | {"HTTPS_PROXY": "http://127.0.0.1:9"}, 8, "no response", "nothing was changed"),
        (
            DEV_ROOT,
            3,
            "dev: cannot ask for approval: standard input is not a terminal",
            "pass --yes to approve without a question, or --no-execute to leave",
        ),
    ],
)
def test_account(place, env, code, words, hint):
    """Nothing is written to an AWS account unless every guard passes."""
    error, way_out = refusal_of_deploy(place, code, place.between.proxy | env)

    assert words in error
    assert hint in way_out
    assert [] == place.between.written


def refusal_of_deploy(place, code, env):
    """Return the error of `deploy --env=dev` and its hint; a plan may precede it."""
    ran = place.run("deploy", "--env=dev", code=code, **with_secret(place, env))
    assert ran.first.startswith(f"dev: account {DEV}, region ca-central-1")
    return refusal(ran)


def test_first_line(place):
    """The first line names the AWS settings in use, before the first request."""
    env = with_secret(place, place.between.proxy | DEV_ROOT)

    ran = place.run("status", "--env=dev", code=0, **env)

    assert ran.first == (
        f"dev: account {DEV}, region ca-central-1 · access key from AWS_ACCESS_KEY_ID · "
        f"proxy {env['HTTPS_PROXY']} · CA bundle {env['AWS_CA_BUNDLE']}"
    )


def with_secret(place, env):
    """Return *env* with the secret of its access key, if it has one."""
    secret = {"AWS_SECRET_ACCESS_KEY": place.endpoint.secret_key}
    return secret | env if "AWS_ACCESS_KEY_ID" in env else env


def test_stale_build(place):
    """A build/ that differs from the sources is exit code 4, and `synth --check` shows the diff."""
    file = place.path / "build/dev/right.yaml"
    reviewed = file.read_text()
    file.write_text(reviewed.replace("A floor", "A flaw"))

    env = with_secret(place, place.between.proxy | DEV_ROOT)
    stale = place.run("deploy", "--env=dev", "--yes", code=4, **env)
    diff = place.run("synth", "--check", code=2)
    file.write_text(reviewed)
    clean = place.run("synth", "--check")

    error, way_out = refusal(stale)
    assert "build/dev: differs from what the code defines: right.yaml" == error
    assert "run `invoke synth`, and have the change to build/ reviewed" == way_out
    assert "--- a/build/dev/right.yaml\n+++ b/build/dev/right.yaml\n" in diff.out
    assert "A flaw" in diff.out
    assert "dev: 5 stacks up to date\n" == clean.out
    assert [] == place.between.written


def test_broken_config(place):
    """All errors of a config file are printed with their lines; invalid TOML is one error."""
    file = place.path / "config/local.toml"
    good = file.read_text()
    file.write_text(good.replace("region", "regoin").replace("[left]", "[left]\nnotes = 'many'"))
    faults, _ = refusal(place.run("deploy", code=1))
    file.write_text(good + "[env\n")
    broken, _ = refusal(place.run("plan", code=1))
    file.write_text(good)

    assert f"{file}:6: env.regoin: unknown key" in faults
    assert "left.notes" in faults
    assert f"{file}" in broken
    assert [] == place.between.written
