import json
import re
import subprocess

import pytest
import yaml
from invoke.parser import Parser

import tasks
from tests.buildspecs.build import FOLDER, PASSWORD, PHASES, Build

SPECS = sorted(FOLDER.glob("*.yml"))
SCRIPTS = sorted(FOLDER.glob("*.sh"))
IMAGES = "registry.example/crd-prod-backend"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
TOLD = {"IMAGES": IMAGES, "CONTAINER": "backend-flask", "COMMIT": COMMIT}
PUSHED, BUILT = f"sha256:{'b' * 64}", f"sha256:{'a' * 64}"
LABEL = "org.opencontainers.image.revision"
ASK = (
    f"aws ecr batch-get-image --repository-name crd-prod-backend --image-ids imageTag={COMMIT}"
    " --query images[].imageId.imageDigest --output text"
)
BUILD = [  # Every call of a build that goes well, in order.
    "inv check",
    "inv test",
    ASK,
    "aws ecr get-login-password",
    "docker login --username AWS --password-stdin registry.example",
    f"docker build --pull --label {LABEL}={COMMIT} --tag {IMAGES}:{COMMIT} backend",
    f"docker push {IMAGES}:{COMMIT}",
    ASK,
]


@pytest.fixture
def build(tmp_path):
    """A machine with the source on it."""
    return Build(tmp_path)


def asked(ended):
    """What of `./inv` was run, as `invoke` itself understands it: an unknown flag raises."""
    parser = Parser(contexts=tasks.namespace.to_contexts())
    calls = [call.split()[1:] for call in ended.calls if call.startswith("inv ")]
    return {
        context.name: {
            name: argument.value for name, argument in context.args.items() if argument.got_value
        }
        for call in calls
        for context in parser.parse_argv(call)
    }


# The image --------------------------------------------------------------------------------------


def test_an_image_is_built_after_all_checks_and_tests(build):
    """In this order, and with the words that ECS and the pipeline read."""
    ended = build.run("image", **TOLD)

    assert ended.succeeded, ended.said
    assert BUILD == ended.calls
    assert {"IMAGE_DIGEST": BUILT} == ended.exported
    assert [{"name": "backend-flask", "imageUri": f"{IMAGES}@{BUILT}"}] == json.loads(
        ended.artifacts["imagedefinitions.json"]
    )


@pytest.mark.parametrize(
    ("pattern", "calls"),
    [
        ("inv check", 1),
        ("inv test", 2),
        ("aws ecr batch-get-image*", 3),
        ("aws ecr get-login-password", 4),
        ("docker login*", 5),
        ("docker build*", 6),
        ("docker push*", 7),
    ],
)
def test_what_fails_is_the_last_that_runs(build, pattern, calls):
    """Nothing after it, no artifact and no digest: the original pushed what had failed (41)."""
    ended = build.run("image", fails=pattern, **TOLD)

    assert not ended.succeeded
    assert BUILD[:calls] == ended.calls
    assert {} == ended.artifacts
    assert {"IMAGE_DIGEST": ""} == ended.exported


def test_a_commit_that_has_an_image_is_not_built_again(tmp_path):
    """Its tag is there already, and names one image for ever: that one is released."""
    ended = Build(tmp_path, pushed=PUSHED).run("image", **TOLD)

    assert ended.succeeded, ended.said
    assert ["inv check", "inv test", ASK] == ended.calls
    assert {"IMAGE_DIGEST": PUSHED} == ended.exported
    assert f"{IMAGES}@{PUSHED}" in ended.artifacts["imagedefinitions.json"]


def test_a_second_run_gives_what_the_first_one_gave(build):
    """Also where the first one failed after its push."""
    first = build.run("image", **TOLD)

    second = build.run("image", **TOLD)

    assert first.exported == second.exported
    assert first.artifacts == second.artifacts
    assert not [call for call in second.calls if call.startswith("docker")]


def test_a_push_that_the_registry_does_not_know_is_no_release(tmp_path):
    """Without a digest there is nothing that could be released."""
    build = Build(tmp_path)
    (build.tools / "docker").write_text("#!/bin/sh\n")

    ended = build.run("image", **TOLD)

    assert not ended.succeeded
    assert "the repository says its digest is ''" in ended.said
    assert {} == ended.artifacts


def test_the_password_of_the_registry_is_on_no_command_line(build):
    """Whoever lists processes reads command lines; a log has what was said."""
    ended = build.run("image", **TOLD)

    assert PASSWORD == ended.stdin.strip()
    assert PASSWORD not in "\n".join(ended.calls) + ended.said


def test_tests_know_nothing_of_the_account(build):
    """What they bring along runs without the rights of the machine; what pushes has them."""
    seen = build.run("image", **TOLD).seen

    assert "inv " not in seen
    assert f"{ASK}: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=" in seen


# CloudFormation ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "well"), [(0, True), (2, True), (1, False), (3, False), (130, False)]
)
def test_a_plan_with_changes_is_no_failure(build, code, well):
    """Two says that there is something to do; anything else went wrong."""
    ended = build.run("deploy", fails="inv plan*", code=code, DO="plan", CRUDDUR_ENV="prod")

    assert well == ended.succeeded
    assert {"plan": {"release": True}} == asked(ended)
    assert {"LOG_URL": "https://console.example/build"} == ended.exported


@pytest.mark.parametrize(
    ("step", "flags"),
    [
        ("infrastructure", {"release": True, "yes": True}),
        ("settle", {"release": True, "yes": True, "stack": ["service"], "only": True}),
    ],
)
def test_stacks_are_deployed_with_the_rights_of_a_release(build, step, flags):
    """Approved already, by whoever read the plan; a failure ends the pipeline, also a 2."""
    went_well = build.run("deploy", DO=step)
    failed = [build.run("deploy", DO=step, fails="inv deploy*", code=code) for code in (1, 2)]

    assert went_well.succeeded
    assert {"deploy": flags} == asked(went_well)
    assert [False, False] == [each.succeeded for each in failed]


# Database and record ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "expected"),
    [("migrate", {"db.migrate": {}}), ("record", {"service.record": {"image": BUILT}})],
)
def test_a_release_migrates_and_notes(build, step, expected):
    """Each in its turn, and each can fail."""
    went_well = build.run("release", DO=step, IMAGE_DIGEST=BUILT)
    failed = build.run("release", DO=step, IMAGE_DIGEST=BUILT, fails="inv *")

    assert went_well.succeeded
    assert expected == asked(went_well)
    assert not failed.succeeded


@pytest.mark.parametrize("spec", ["deploy", "release"])
def test_an_unknown_step_fails(build, spec):
    """A slip in the template does nothing at all."""
    ended = build.run(spec, DO="everything")

    assert not ended.succeeded
    assert [] == ended.calls
    assert "error: everything is no step" in ended.said


def test_nothing_is_recorded_without_a_digest(build):
    """Where the pipeline passes none, the step fails before it is asked for."""
    ended = build.run("release", DO="record")

    assert not ended.succeeded
    assert [] == ended.calls


# All of them ------------------------------------------------------------------------------------


@pytest.mark.parametrize("spec", SPECS, ids=lambda path: path.stem)
def test_a_phase_that_fails_ends_the_build(spec):
    """Even if somebody adds a post_build, which would run after a failed build (defect 41)."""
    phases = yaml.safe_load(spec.read_text())["phases"]

    assert phases.keys() <= {*PHASES}
    assert {"ABORT"} == {phase.get("on-failure") for phase in phases.values()}


@pytest.mark.parametrize("spec", SPECS, ids=lambda path: path.stem)
def test_a_command_is_one_line(spec):
    """Of several, CodeBuild would only see whether the last went well."""
    phases = yaml.safe_load(spec.read_text())["phases"]
    commands = [one for phase in phases.values() for one in phase.get("commands", [])]

    assert commands
    assert not [one for one in commands if re.search(r"[;|&\n]", one)]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_stops_at_what_fails(script):
    """Any sh can run it, and somebody does."""
    text = script.read_text()
    used = "".join(path.read_text() for path in SPECS)

    subprocess.run(["sh", "-n", script], check=True)

    assert text.startswith("#!/bin/sh\n")
    assert "\nset -eu\n" in text
    assert f"sh buildspecs/{script.name}" in used


@pytest.mark.parametrize("file", [*SPECS, *SCRIPTS], ids=lambda path: path.name)
def test_nothing_names_an_account_or_the_latest(file):
    """What is released has a digest, and where it goes is told by the template."""
    assert not re.search(r"\b\d{12}\b|:latest|\.dkr\.ecr\.", file.read_text())
