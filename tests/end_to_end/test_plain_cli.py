"""The plain AWS CLI deploys the templates and executes the change sets."""

from __future__ import annotations

import re

from tests.end_to_end.checkout import COMPLETE

RETAGGED = ("--tags", "Key=owner,Value=somebody")


def test_one_by_one(checkout):
    """The templates deploy with the plain AWS CLI, in the order of layers.txt and as it says.

    `plan` then finds nothing to do. Without the tags of the environment, such a stack is foreign:
    nothing is done to it.
    """
    checkout.run("synth", "--env=local")
    checkout.run("emulator.start")  # With what an account has by hand: the hosted zone.
    rows = (checkout.path / "build/local/layers.txt").read_text().splitlines()[1:]

    with checkout.aws() as aws:
        for template, stack, region, tags, capabilities, parameters, files in map(str.split, rows):
            change_set = ["--region", region, "--stack-name", stack, "--change-set-name", "first"]
            options = ["--change-set-type", "CREATE", "--capabilities", capabilities.strip("-")]
            body = ["--template-body", f"file://build/local/{template}"]
            _store(aws, files)
            given = ["--parameters", *filled] if (filled := [*_filled(aws, parameters)]) else []
            given += ["--tags", *_tags(tags)]
            aws("cloudformation", "create-change-set", *change_set, *options, *body, *given)
            aws("cloudformation", "execute-change-set", *change_set)
            checkout.settle()

        made = checkout.stacks()
        same = checkout.run("plan")
        _, stack, region, *_ = rows[-1].split()
        change = ["--region", region, "--stack-name", stack, "--capabilities", "CAPABILITY_IAM"]
        aws("cloudformation", "update-stack", *change, "--use-previous-template", *RETAGGED)
        checkout.settle()

    refused = checkout.run("plan", code=3)
    assert {"CREATE_COMPLETE"} == set(made.values())
    assert same.out.splitlines()[-1] == f"{len(rows)} stacks: {len(rows)} keep"
    assert (
        f"error: {stack} in {region}: not a stack of local: it lacks the tags project"
        in refused.err
    )
    assert "./inv emulator.reset" in refused.err


def _store(aws, files):
    """Upload the files of layers.txt to the artifact bucket; paths are from build/ or dist/."""
    bucket = "crd-local-artifacts-000000000000-ca-central-1-an"
    for file, key in re.findall(r"([^,=]+)=([^,]+)", files):
        place = file if file.startswith("dist/") else f"build/local/{file}"
        aws("s3", "cp", "--region", "ca-central-1", place, f"s3://{bucket}/{key}")


def _tags(said):
    """Return the tags of a stack in layers.txt."""
    pairs = (tag.partition("=") for tag in said.split(","))
    return [f"Key={key},Value={value}" for key, _, value in pairs]


def _filled(aws, parameters):
    """Yield the parameters of a stack in layers.txt, with the outputs that they name."""
    for name, region, stack, output in re.findall(r"(\w+)=([\w-]+):([\w-]+)\.(\w+)", parameters):
        query = f"Stacks[0].Outputs[?OutputKey=='{output}'].OutputValue"
        where = ["--region", region, "--stack-name", stack, "--query", query, "--output", "text"]
        value = aws("cloudformation", "describe-stacks", *where).strip()
        yield f"ParameterKey={name},ParameterValue={value}"


def test_left_change_sets(tiny):
    """`--no-execute` leaves change sets; the commands it prints, typed as they are, execute them.

    What stands on a stack that is not there yet cannot be proposed: it is skipped, until it can.
    """
    for expected in ({"ground", "far"}, {"left", "right"}, {"top"}):
        left = tiny.run("deploy", "--no-execute")
        commands = re.findall(r"^ +(aws cloudformation .*)$", left.err, re.MULTILINE)
        reviewed = {k for k, v in tiny.stacks().items() if v == "REVIEW_IN_PROGRESS"}

        tiny.shell("\n".join(commands), **tiny.aws_env)

        tiny.settle()
        assert expected == reviewed
        assert len(expected) == len(commands)
    assert COMPLETE == tiny.stacks()
    assert tiny.run("deploy").last.startswith("5 kept, in ")
