"""The buildspecs of the pipeline, run with fake tools."""

import json
import re
from pathlib import Path

import jmespath
import pytest
import yaml
from invoke.parser import Parser

import tasks
from operations import build_context
from tests.stacks.fake_codebuild import PASSWORD, PHASES, Build
from tests.stacks.pipeline_templates import BUILDS, EMITTED

ROOT = Path(__file__).parents[2]
REPOSITORY_URI = "registry.example/crd-prod-backend"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
VARIABLES = {"REPOSITORY_URI": REPOSITORY_URI, "CONTAINER": "backend-flask", "COMMIT": COMMIT}
IMAGE_DIGEST = f"sha256:{'a' * 64}"
BASE_IMAGE = f"python@sha256:{'0' * 64}"
TAG = f"{REPOSITORY_URI}:{COMMIT}-7"
CONTEXTS = "--build-context shared=lambdas/shared backend"
LABEL = "org.opencontainers.image.revision"
BUILD_CALLS = [  # All calls of a successful build, in order.
    f"docker build --pull --label {LABEL}={COMMIT} --tag {TAG} {CONTEXTS}",
    "aws ecr get-login-password",
    "docker login --username AWS --password-stdin registry.example",
    f"docker push {TAG}",
    f"docker image inspect --format {{{{range .RepoDigests}}}}{{{{println .}}}}{{{{end}}}} {TAG}",
]


@pytest.fixture
def build(tmp_path):
    """A build container with the source."""
    return Build(tmp_path)


def spec(action):
    """Return the buildspec of the project of *action*."""
    return EMITTED.of("AWS::CodeBuild::Project")[action]["Source"]["BuildSpec"]


def variables(action):
    """Return the environment variables of the project of *action*, without references."""
    project = EMITTED.of("AWS::CodeBuild::Project")[action]
    pairs = project["Environment"]["EnvironmentVariables"]
    return {pair["Name"]: pair["Value"] for pair in pairs if isinstance(pair["Value"], str)}


def tasks_of(result):
    """Return the flags of each `./inv` call, as Invoke parses them. An unknown flag raises."""
    parser = Parser(contexts=tasks.namespace.to_contexts())
    calls = [call.split()[1:] for call in result.calls if call.startswith("inv ")]
    return {
        context.name: {
            name: argument.value for name, argument in context.args.items() if argument.got_value
        }
        for call in calls
        for context in parser.parse_argv(call)
    }


# Tests ------------------------------------------------------------------------------------------


def test_all_checks_and_tests_run(build):
    """Test runs all checks and tests, and calls neither docker nor the AWS CLI."""
    result = build.run(spec("Test"))

    assert result.succeeded
    assert result.calls == ["inv check", "inv test"]


@pytest.mark.parametrize(("pattern", "calls"), [("inv check", 1), ("inv test", 2)])
def test_a_failed_test_stops_the_build(build, pattern, calls):
    """After a failed test the build fails, so the pipeline builds no image."""
    result = build.run(spec("Test"), fails=pattern)

    assert not result.succeeded
    assert ["inv check", "inv test"][:calls] == result.calls


# The image --------------------------------------------------------------------------------------


def test_an_image_is_built_and_pushed(build):
    """The build exports the digest and writes the definitions that ECS reads."""
    result = build.run(spec("Image"), **VARIABLES)

    assert result.succeeded, result.output
    assert result.calls == BUILD_CALLS
    assert result.exported == {"IMAGE_DIGEST": IMAGE_DIGEST}
    assert json.loads(result.artifacts["imagedefinitions.json"]) == [
        {"name": "backend-flask", "imageUri": f"{REPOSITORY_URI}@{IMAGE_DIGEST}"}
    ]


@pytest.mark.parametrize(
    ("pattern", "calls"),
    [
        ("docker build*", 1),
        ("aws ecr get-login-password", 2),
        ("docker login*", 3),
        ("docker push*", 4),
        ("docker image*", 5),
    ],
)
def test_a_failed_command_stops_the_build(build, pattern, calls):
    """There is no artifact and no digest; the original pushed after a failure (defect 41)."""
    result = build.run(spec("Image"), fails=pattern, **VARIABLES)

    assert not result.succeeded
    assert BUILD_CALLS[:calls] == result.calls
    assert result.artifacts == {}
    assert result.exported == {"IMAGE_DIGEST": ""}


def test_the_digest_is_not_read_from_the_repository(build):
    """The digest is that of the push: the repository could have an image of another user."""
    result = build.run(spec("Image"), **VARIABLES)

    assert [call for call in result.calls if call.startswith("aws ")] == [
        "aws ecr get-login-password"
    ]


def test_every_build_has_its_own_tag(build):
    """The tag contains the build number, so an existing tag does not block a build."""
    result = build.run(spec("Image"), **VARIABLES, CODEBUILD_BUILD_NUMBER="8")

    assert f"docker push {REPOSITORY_URI}:{COMMIT}-8" in result.calls


def test_a_symbolic_link_in_the_commit_is_replaced(build):
    """The definitions are a new file, even if the commit has a link with their name."""
    (build.folder / "else").write_text("kept")
    (build.source / "imagedefinitions.json").symlink_to(build.folder / "else")

    result = build.run(spec("Image"), **VARIABLES)

    assert result.succeeded
    assert (build.folder / "else").read_text() == "kept"
    assert f"{REPOSITORY_URI}@{IMAGE_DIGEST}" in result.artifacts["imagedefinitions.json"]


@pytest.mark.parametrize(
    "pushed", ["", f"other.example/image@{IMAGE_DIGEST}", f"{REPOSITORY_URI}@latest"]
)
def test_a_push_without_a_digest_fails(build, pushed):
    """A push without a digest of this repository fails, because an image is released by its digest."""
    docker = (build.tools / "docker").read_text()
    (build.tools / "docker").write_text(docker.replace("${2%:*}@sha256:$DIGEST", pushed))

    result = build.run(spec("Image"), **VARIABLES)

    assert not result.succeeded
    assert "docker reports no digest" in result.output
    assert result.artifacts == {}


@pytest.mark.parametrize(
    ("dockerfile", "accepted"),
    [
        (f"FROM {BASE_IMAGE}\n", True),
        (f"# syntax\nFROM {BASE_IMAGE} AS base\nFROM base\nFROM scratch\n", True),
        (f"from {BASE_IMAGE} as one\nfrom one as two\nfrom two", True),
        ("FROM python:3.13\n", False),
        (f"FROM {BASE_IMAGE} AS base\nFROM bas\n", False),
        (f"FROM {BASE_IMAGE} AS base\n  from python\n", False),
        (f"FROM {BASE_IMAGE} AS a\nFROM a\nCOPY --from=a /x /\nCOPY --from=shared . /\n", True),
        (f"FROM {BASE_IMAGE}\nCOPY --from={BASE_IMAGE} /x /\n", True),
        (f"FROM {BASE_IMAGE}\nCOPY --from=python:3.13 /x /\n", False),
        (f"FROM {BASE_IMAGE}\nRUN --mount=type=bind,from=python,source=/x true\n", False),
        (f"FROM {BASE_IMAGE}\nRUN --mount=from=python true\n", False),
    ],
)
def test_a_base_image_has_a_digest(build, dockerfile, accepted):
    """Each FROM needs a digest, because a tag can change; an earlier stage needs none."""
    (build.source / "backend" / "Dockerfile").write_text(dockerfile)

    result = build.run(spec("Image"), **VARIABLES)

    assert accepted == result.succeeded, result.output
    assert accepted == bool(result.calls)
    assert accepted != ("has no digest" in result.output)


def test_the_image_of_the_backend_is_accepted(build):
    """The pipeline accepts the Dockerfile, and passes the contexts that it copies from."""
    dockerfile = (ROOT / "backend" / "Dockerfile").read_text()
    (build.source / "backend" / "Dockerfile").write_text(dockerfile)

    result = build.run(spec("Image"), **VARIABLES)

    assert result.succeeded, result.output
    assert build_context.arguments(Path())[:1] == ["--build-context=shared=lambdas/shared"]
    assert "COPY --from=shared . shared/" in dockerfile


def test_git_runs_no_program_of_the_commit(build):
    """A config file of the commit cannot make git run a program.

    docker with buildx asks git for the revision of backend/, and has access to credentials. git
    accepts any folder that looks like a repository, and would fetch the missing commit with the
    program in its config file.
    """
    backend, ran = build.source / "backend", build.folder / "ran"
    for name in ("objects", "refs/heads"):
        (backend / name).mkdir(parents=True)
    (backend / "HEAD").write_text("ref: refs/heads/main\n")
    (backend / "refs" / "heads" / "main").write_text(f"{'1' * 40}\n")
    (backend / "config").write_text(
        "[core]\nrepositoryformatversion = 1\nbare = false\nworktree = .\n"
        "[extensions]\npartialClone = origin\n"
        f'[remote "origin"]\nurl = .\npromisor = true\nuploadpack = "touch {ran} #"\n'
    )
    docker = build.tools / "docker"
    show = 'if [ "$1" = build ]; then git -C backend show --format=%H HEAD --quiet; fi\n'
    docker.write_text(docker.read_text() + show)

    result = build.run(spec("Image"), **VARIABLES, GIT_CONFIG_GLOBAL="/dev/null")

    assert "not a git repository" in result.output
    assert not ran.exists()


def test_the_registry_password_is_passed_by_standard_input(build):
    """The password is in no command line, which other processes can read, and in no log."""
    result = build.run(spec("Image"), **VARIABLES)

    assert result.stdin.strip() == PASSWORD
    assert PASSWORD not in "\n".join(result.calls) + result.output


@pytest.mark.parametrize("action", ["Image", "Diff"])
def test_image_and_diff_run_no_code_of_the_commit(action):
    """The buildspecs of Image and Diff run no code of the commit outside of `docker build`."""
    assert "./inv" not in spec(action)
    assert "python" not in spec(action)


# The comparison of templates --------------------------------------------------------------------


def account(build, **stacks):
    """Write the stacks that the AWS CLI returns for the first region."""
    names = "\t".join(f"crd-prod-{stack}" for stack in stacks)
    (build.account / "ca-central-1.txt").write_text(f"{names}\n" if names else "")
    (build.account / "us-east-1.txt").write_text("None\n")
    for stack, template in stacks.items():
        (build.account / f"crd-prod-{stack}.yaml").write_text(f"{template}\n")


def commit(build, **templates):
    """Write the templates of the commit; return their folder."""
    folder = build.source / "build" / "prod"
    folder.mkdir(parents=True)
    for name, template in templates.items():
        (folder / f"{name.replace('__', '.')}.yaml").write_text(template)
    return folder


def diff(build):
    """Return the output of Diff by heading."""
    result = build.run(spec("Diff"), **variables("Diff"))
    assert result.succeeded, result.output
    parts = re.split(r"^=== (.*)\n", result.output, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_diff_shows_every_difference(build):
    """Diff shows changed, unchanged, new and missing templates."""
    account(build, network="A: 1\nB: 2\n", registry="R: 1\n", old="O: 1\n")
    commit(build, network="A: 1\nB: 3\n", registry="R: 1\n", users="U: 1\n")

    shown = diff(build)

    assert "-B: 2\n+B: 3\n" in shown["crd-prod-network (ca-central-1)"]
    assert shown["crd-prod-registry (ca-central-1)"] == "unchanged\n"
    assert shown["crd-prod-old (ca-central-1)"] == "the commit has no template for this stack\n"
    assert shown["crd-prod-users: new"] == "+U: 1\n3 templates differ\n"


def test_diff_selects_the_stacks_of_the_environment_by_tags():
    """Stacks are selected by tags, because names of another environment may have the same prefix."""

    def stack(name, env="prod", project="cruddur", **more):
        tags = [{"Key": "project", "Value": project}, {"Key": "env", "Value": env}]
        return {"StackName": name, "Tags": tags, **more}

    page = [
        stack("crd-prod-network"),
        stack("crd-prod-two-network", env="prod-two"),
        stack("crd-prod-other", project="other"),
        stack("crd-prod-pipeline-CodeBuild", ParentId="arn:outer"),
        {"StackName": "crd-prod-byhand", "Tags": []},
    ]

    found = jmespath.search(variables("Diff")["STACK_QUERY"], {"Stacks": page})

    assert found == ["crd-prod-network"]


def test_diff_leaves_out_manual_stacks(build):
    """A release deploys neither foundation, pipeline and site-publisher nor their nested stacks."""
    account(build, foundation="F: 1\n", network="A: 1\n")
    commit(build, foundation="F: 2\n", pipeline="P: 1\n", pipeline__CodeBuild="", network="A: 1\n")

    assert [*diff(build)] == ["crd-prod-network (ca-central-1)"]


def test_diff_shows_complete_nested_templates(build):
    """The outer template contains only the URL of a nested one."""
    account(build, network="A: 1\n")
    commit(build, network="A: 1\n", network__Inner="I: 1\n")

    assert diff(build)["network.Inner: nested template"].startswith("+I: 1\n")


def test_control_characters_are_escaped(build):
    """Control characters are escaped: they could hide the lines above from an approver."""
    account(build, network="A: 1\n")
    files = {"users": "U: \x1b[1A\n", "a\n=== \x1b[2J": ""}
    commit(build, network="A: 1\n# \x1b[2J\r \u202e é\n", **files)

    shown = diff(build)

    assert "+# ^[[2J^M M-bM-^@M-. M-CM-)\n" in shown["crd-prod-network (ca-central-1)"]
    assert shown["crd-prod-users: new"].startswith("+U: ^[[1A\n")
    assert "crd-prod-a???????2J: new" in shown


def test_a_template_cannot_forge_a_heading(build):
    """No template can imitate a heading or the last line, also without a final newline."""
    account(build, network="A: 1\n")
    forged = "=== crd-prod-network (ca-central-1)\nunchanged\n0 templates differ"
    commit(build, network="A: 2\n", users=forged, users__Inner=forged)

    shown = diff(build)

    assert [*shown][:2] == ["crd-prod-network (ca-central-1)", "users.Inner: nested template"]
    assert [*shown][2:] == ["crd-prod-users: new"]
    assert shown["crd-prod-users: new"].endswith("\n+0 templates differ\n2 templates differ\n")


def test_a_template_with_a_nul_byte_is_compared_as_text(build):
    """A NUL byte does not hide the differences of a template."""
    account(build, network="A: 1\n")
    commit(build, network="A: 2\n# \0\n")

    assert "-A: 1\n+A: 2\n+# ^@\n" in diff(build)["crd-prod-network (ca-central-1)"]


def test_a_symbolic_link_is_not_followed(build):
    """The target of a link in build/ is not read: it is not part of the commit."""
    account(build, network="A: 1\n")
    (build.folder / "secret").write_text("S: 1\n")
    folder = commit(build)
    for name in ("network", "users"):
        (folder / f"{name}.yaml").symlink_to(build.folder / "secret")

    shown = diff(build)

    assert shown["crd-prod-network (ca-central-1)"] == "the commit has no template for this stack\n"
    assert shown["crd-prod-users: new"] == "2 templates differ\n"


@pytest.mark.parametrize("call", ["*describe-stacks*", "*get-template*"])
def test_a_failed_call_to_aws_stops_the_pipeline(build, call):
    """A template that cannot be read is not shown as unchanged."""
    account(build, network="A: 1\n")
    commit(build, network="A: 1\n")

    result = build.run(spec("Diff"), fails=call, **variables("Diff"))

    assert not result.succeeded
    assert "templates differ" not in result.output


# CloudFormation ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "succeeds"), [(0, True), (2, True), (1, False), (3, False), (130, False)]
)
def test_a_plan_with_changes_succeeds(build, code, succeeds):
    """Exit code 2 means changes; any other code is a failure."""
    result = build.run(spec("Plan"), fails="inv plan*", code=code)

    assert succeeds == result.succeeded
    assert tasks_of(result) == {"plan": {"release": True}}


@pytest.mark.parametrize(
    ("action", "flags"),
    [
        ("Infrastructure", {"release": True, "yes": True}),
        ("UpdateServiceStack", {"release": True, "yes": True, "stack": ["service"], "only": True}),
    ],
)
def test_stacks_are_deployed_as_a_release(build, action, flags):
    """The deploy needs no approval; any exit code but 0 stops the pipeline."""
    succeeded = build.run(spec(action))
    failed = [build.run(spec(action), fails="inv deploy*", code=code) for code in (1, 2)]

    assert succeeded.succeeded
    assert {"deploy": flags} == tasks_of(succeeded)
    assert [result.succeeded for result in failed] == [False, False]


# Database and record ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "expected"),
    [("Migrate", {"db.migrate": {}}), ("RecordImage", {"service.record": {"image": IMAGE_DIGEST}})],
)
def test_a_release_migrates_and_records_the_image(build, action, expected):
    """A failure of the task stops the pipeline."""
    succeeded = build.run(spec(action), IMAGE_DIGEST=IMAGE_DIGEST)
    failed = build.run(spec(action), IMAGE_DIGEST=IMAGE_DIGEST, fails="inv *")

    assert succeeded.succeeded
    assert expected == tasks_of(succeeded)
    assert not failed.succeeded


# All of them ------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", BUILDS)
def test_a_failed_phase_stops_the_build(action):
    """A failed phase ends the build: no `post_build` phase runs after it (defect 41)."""
    phases = yaml.safe_load(spec(action))["phases"]

    assert phases.keys() <= {*PHASES}
    assert {phase.get("on-failure") for phase in phases.values()} == {"ABORT"}


@pytest.mark.parametrize("action", BUILDS)
def test_a_command_is_one_line(action):
    """A command is one line or a script run by `sh -e`: CodeBuild checks only the last status."""
    phases = yaml.safe_load(spec(action))["phases"]
    commands = [command for phase in phases.values() for command in phase.get("commands", [])]
    heredoc = "cat > /tmp/stage.sh <<'END_OF_SCRIPT'\n"
    scripts = [command for command in commands if command.startswith(heredoc)]
    others = [command for command in commands if command not in scripts]

    assert others
    assert not [command for command in others if re.search(r"[;|&\n]", command)]
    assert len(scripts) == others.count("sh -eu /tmp/stage.sh")
    assert all(script.rstrip().endswith("\nEND_OF_SCRIPT") for script in scripts)


@pytest.mark.parametrize("action", BUILDS)
def test_a_buildspec_names_no_account_and_no_latest_image(action):
    """The released image has a digest, and the template sets its destination."""
    assert not re.search(r"\b\d{12}\b|:latest|\.dkr\.ecr\.", spec(action))
