"""Tests that the plain AWS CLI can deploy the templates and execute the change sets."""

from __future__ import annotations

import re

from tests.end_to_end.checkout import COMPLETE

OTHER_TAGS = ("--tags", "Key=owner,Value=other")


def test_templates_one_by_one(checkout):
    """The AWS CLI deploys the templates with the order and the options of layers.txt.

    `plan` then finds nothing to do. A stack without the tags of the environment is refused.
    """
    checkout.run("synth", "--env=local")
    checkout.run("emulator.start")  # It creates the hosted zone of the config.
    rows = (checkout.path / "build/local/layers.txt").read_text().splitlines()[1:]

    with checkout.aws() as aws:
        for template, stack, region, tags, capabilities, parameters, files in map(str.split, rows):
            change_set = ["--region", region, "--stack-name", stack, "--change-set-name", "first"]
            options = ["--change-set-type", "CREATE", "--capabilities", capabilities.strip("-")]
            body = ["--template-body", f"file://build/local/{template}"]
            _store(aws, files)
            values = [*_parameter_values(aws, parameters)]
            given = ["--parameters", *values] if values else []
            given += ["--tags", *_tags(tags)]
            aws("cloudformation", "create-change-set", *change_set, *options, *body, *given)
            aws("cloudformation", "execute-change-set", *change_set)
            checkout.wait_for_operations()

        created = checkout.stacks()
        planned = checkout.run("plan")
        _, stack, region, *_ = rows[-1].split()
        change = ["--region", region, "--stack-name", stack, "--capabilities", "CAPABILITY_IAM"]
        aws("cloudformation", "update-stack", *change, "--use-previous-template", *OTHER_TAGS)
        checkout.wait_for_operations()

    refused = checkout.run("plan", code=3)
    assert set(created.values()) == {"CREATE_COMPLETE"}
    assert planned.out.splitlines()[-1] == f"{len(rows)} stacks: {len(rows)} keep"
    assert (
        f"error: {stack} in {region}: not a stack of local: it lacks the tags project"
        in refused.err
    )
    assert "./inv emulator.reset" in refused.err


def _store(aws, files):
    """Upload the files of layers.txt to the artifact bucket; paths are from build/ or dist/."""
    bucket = "crd-local-artifacts-000000000000-ca-central-1-an"
    for file, key in re.findall(r"([^,=]+)=([^,]+)", files):
        path = file if file.startswith("dist/") else f"build/local/{file}"
        aws("s3", "cp", "--region", "ca-central-1", path, f"s3://{bucket}/{key}")


def _tags(row):
    """Return the tags of a stack in layers.txt."""
    pairs = (tag.partition("=") for tag in row.split(","))
    return [f"Key={key},Value={value}" for key, _, value in pairs]


def _parameter_values(aws, parameters):
    """Yield the parameters of a stack in layers.txt, with the outputs that they name."""
    for name, region, stack, output in re.findall(r"(\w+)=([\w-]+):([\w-]+)\.(\w+)", parameters):
        query = f"Stacks[0].Outputs[?OutputKey=='{output}'].OutputValue"
        options = ["--region", region, "--stack-name", stack, "--query", query, "--output", "text"]
        value = aws("cloudformation", "describe-stacks", *options).strip()
        yield f"ParameterKey={name},ParameterValue={value}"


def test_pending_change_sets(tiny):
    """`--no-execute` creates change sets and prints the commands that execute them.

    A stack is skipped until its dependencies exist.
    """
    for expected in ({"ground", "far"}, {"left", "right"}, {"top"}):
        printed = tiny.run("deploy", "--no-execute")
        commands = re.findall(r"^ +(aws cloudformation .*)$", printed.err, re.MULTILINE)
        pending = {
            stack for stack, status in tiny.stacks().items() if status == "REVIEW_IN_PROGRESS"
        }

        tiny.shell("\n".join(commands), **tiny.aws_env)

        tiny.wait_for_operations()
        assert expected == pending
        assert len(expected) == len(commands)
    assert tiny.stacks() == COMPLETE
    assert tiny.run("deploy").last.startswith("5 kept, in ")
