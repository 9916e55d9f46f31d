"""Refused commands print one error with a hint and no traceback, and change nothing."""

from __future__ import annotations

import pytest

import emulator
from tests.end_to_end import checkout as checkouts
from tests.end_to_end.checkout import DEV

DEV_ROOT = {"AWS_ACCESS_KEY_ID": DEV}  # `with_secret` adds the secret of the running emulator.
NO_CREDENTIALS = {"AWS_EC2_METADATA_DISABLED": "true"}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """Yield a copy with the small stacks and an environment `dev`; nothing is deployed."""
    copied = checkouts.tiny(tmp_path_factory.mktemp("checkout"))
    copied.configure("dev")
    copied.run("synth")
    with copied.recorded_requests() as copied.proxy:
        yield copied
    emulator.stop(copied.emulator)


def refusal(result):
    """Return the error that a command printed, and its hint."""
    assert result.out == ""
    assert result.err.count("error: ") == 1
    error, hint = result.err[result.err.index("error: ") :].split("hint:")
    return error.removeprefix("error: ").strip(), hint.strip()


@pytest.mark.parametrize(
    ("task", "code", "message", "hint"),
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
        (["deploy", "--jobs=0"], 1, "--jobs=0: no stack would be changed", "use --jobs=1 or more"),
    ],
)
def test_unknown_names(checkout, task, code, message, hint):
    """The error for an unknown name lists the known names, or suggests one."""
    error, found_hint = refusal(checkout.run(*task, code=code))

    assert message in error
    assert hint in found_hint
    assert checkout.proxy.written == []


@pytest.mark.parametrize(
    ("env", "code", "message", "hint"),
    [
        (NO_CREDENTIALS, 3, "Unable to locate credentials", f"log in to account {DEV}"),
        ({"AWS_PROFILE": "absent"}, 3, "The config profile (absent) could not be found", "log in"),
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
def test_account(checkout, env, code, message, hint):
    """Nothing is written to an AWS account unless every guard passes."""
    error, found_hint = refusal_of_deploy(checkout, code, checkout.proxy.variables | env)

    assert message in error
    assert hint in found_hint
    assert checkout.proxy.written == []


def refusal_of_deploy(checkout, code, env):
    """Return the error of `deploy --env=dev` and its hint; a plan may be printed before.

    The preflight, which refuses the root user, is left out.
    """
    result = checkout.run(
        "deploy", "--env=dev", "--skip-preflight", code=code, **with_secret(checkout, env)
    )
    assert result.first.startswith(f"dev: account {DEV}, region ca-central-1")
    return refusal(result)


def test_first_line(checkout):
    """The first line names the AWS settings in use, before the first request."""
    env = with_secret(checkout, checkout.proxy.variables | DEV_ROOT)

    result = checkout.run("status", "--env=dev", code=0, **env)

    assert result.first == (
        f"dev: account {DEV}, region ca-central-1 · access key from AWS_ACCESS_KEY_ID · "
        f"proxy {env['HTTPS_PROXY']} · CA bundle {env['AWS_CA_BUNDLE']}"
    )


def with_secret(checkout, env):
    """Return *env* with the secret of its access key, if it has one."""
    secret = {"AWS_SECRET_ACCESS_KEY": checkout.endpoint.secret_key}
    return secret | env if "AWS_ACCESS_KEY_ID" in env else env


def test_stale_build(checkout):
    """A deploy with an outdated build/ ends with exit code 4; `synth --check` shows the diff."""
    file = checkout.path / "build/dev/right.yaml"
    reviewed = file.read_text()
    file.write_text(reviewed.replace("A small stack", "A change"))

    env = with_secret(checkout, checkout.proxy.variables | DEV_ROOT)
    stale = checkout.run("deploy", "--env=dev", "--yes", code=4, **env)
    diff = checkout.run("synth", "--check", code=2)
    file.write_text(reviewed)
    clean = checkout.run("synth", "--check")

    error, found_hint = refusal(stale)
    assert error == "build/dev: differs from what the code defines: right.yaml"
    assert found_hint == "run ./inv synth, and have the change to build/ reviewed"
    assert "--- a/build/dev/right.yaml\n+++ b/build/dev/right.yaml\n" in diff.out
    assert "A change" in diff.out
    assert clean.out == "dev: 5 stacks up to date\n"
    assert checkout.proxy.written == []


def test_broken_config(checkout):
    """All errors of a config file are printed with their lines; invalid TOML is one error."""
    file = checkout.path / "config/local.toml"
    good = file.read_text()
    file.write_text(good.replace("region", "regoin").replace("[left]", "[left]\nnotes = 'many'"))
    errors, _ = refusal(checkout.run("deploy", code=1))
    file.write_text(good + "[env\n")
    broken, _ = refusal(checkout.run("plan", code=1))
    file.write_text(good)

    assert f"{file}:6: env.regoin: unknown key" in errors
    assert "left.notes" in errors
    assert f"{file}" in broken
    assert checkout.proxy.written == []
