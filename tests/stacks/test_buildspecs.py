import json
import re

import jmespath
import pytest
import yaml
from invoke.parser import Parser

import tasks
from tests.stacks.build import PASSWORD, PHASES, Build
from tests.stacks.test_pipeline import BUILDS, EMITTED

REPOSITORY_URI = "registry.example/crd-prod-backend"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
TOLD = {"REPOSITORY_URI": REPOSITORY_URI, "CONTAINER": "backend-flask", "COMMIT": COMMIT}
BUILT = f"sha256:{'a' * 64}"
PINNED = f"python@sha256:{'0' * 64}"
TAG = f"{REPOSITORY_URI}:{COMMIT}-7"
LABEL = "org.opencontainers.image.revision"
BUILD = [  # Every call of a build that goes well, in order.
    f"docker build --pull --label {LABEL}={COMMIT} --tag {TAG} backend",
    "aws ecr get-login-password",
    "docker login --username AWS --password-stdin registry.example",
    f"docker push {TAG}",
    f"docker image inspect --format {{{{range .RepoDigests}}}}{{{{println .}}}}{{{{end}}}} {TAG}",
]


@pytest.fixture
def build(tmp_path):
    """A build container with the source in it."""
    return Build(tmp_path)


def spec(action):
    """The buildspec of the project that *action* starts."""
    return EMITTED.of("AWS::CodeBuild::Project")[action]["Source"]["BuildSpec"]


def settings(action):
    """The environment variables of the project that *action* starts, but for references."""
    variables = EMITTED.of("AWS::CodeBuild::Project")[action]["Environment"]["EnvironmentVariables"]
    return {each["Name"]: each["Value"] for each in variables if isinstance(each["Value"], str)}


def asked(ended):
    """Return the `./inv` calls as parsed by `invoke`: an unknown flag raises."""
    parser = Parser(contexts=tasks.namespace.to_contexts())
    calls = [call.split()[1:] for call in ended.calls if call.startswith("inv ")]
    return {
        context.name: {
            name: argument.value for name, argument in context.args.items() if argument.got_value
        }
        for call in calls
        for context in parser.parse_argv(call)
    }


# Tests ------------------------------------------------------------------------------------------


def test_all_checks_and_tests_run(build):
    """And nothing else: neither docker nor the AWS CLI."""
    ended = build.run(spec("Test"))

    assert ended.succeeded
    assert ["inv check", "inv test"] == ended.calls


@pytest.mark.parametrize(("pattern", "calls"), [("inv check", 1), ("inv test", 2)])
def test_a_test_that_fails_ends_the_build(build, pattern, calls):
    """So the pipeline stops before an image is built."""
    ended = build.run(spec("Test"), fails=pattern)

    assert not ended.succeeded
    assert ["inv check", "inv test"][:calls] == ended.calls


# The image --------------------------------------------------------------------------------------


def test_an_image_is_built_and_pushed(build):
    """In this order, and with the words that ECS and the pipeline read."""
    ended = build.run(spec("Image"), **TOLD)

    assert ended.succeeded, ended.said
    assert BUILD == ended.calls
    assert {"IMAGE_DIGEST": BUILT} == ended.exported
    assert [{"name": "backend-flask", "imageUri": f"{REPOSITORY_URI}@{BUILT}"}] == json.loads(
        ended.artifacts["imagedefinitions.json"]
    )


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
def test_what_fails_is_the_last_that_runs(build, pattern, calls):
    """Nothing after it, no artifact and no digest: the original pushed what had failed (41)."""
    ended = build.run(spec("Image"), fails=pattern, **TOLD)

    assert not ended.succeeded
    assert BUILD[:calls] == ended.calls
    assert {} == ended.artifacts
    assert {"IMAGE_DIGEST": ""} == ended.exported


def test_the_repository_is_not_asked_for_an_image(build):
    """An existing image may come from another user: the digest is that of this push."""
    ended = build.run(spec("Image"), **TOLD)

    assert ["aws ecr get-login-password"] == [
        call for call in ended.calls if call.startswith("aws ")
    ]


def test_every_build_has_a_tag_of_its_own(build):
    """So an existing tag does not block a build."""
    ended = build.run(spec("Image"), **TOLD, CODEBUILD_BUILD_NUMBER="8")

    assert f"docker push {REPOSITORY_URI}:{COMMIT}-8" in ended.calls


def test_a_link_of_the_commit_is_not_written_through(build):
    """The definitions are a new file, whatever the commit has under their name."""
    (build.folder / "else").write_text("kept")
    (build.source / "imagedefinitions.json").symlink_to(build.folder / "else")

    ended = build.run(spec("Image"), **TOLD)

    assert ended.succeeded
    assert "kept" == (build.folder / "else").read_text()
    assert f"{REPOSITORY_URI}@{BUILT}" in ended.artifacts["imagedefinitions.json"]


@pytest.mark.parametrize("pushed", ["", f"other.example/image@{BUILT}", f"{REPOSITORY_URI}@latest"])
def test_a_push_without_a_digest_of_the_repository_is_no_release(build, pushed):
    """Without a digest there is nothing that could be released."""
    docker = (build.tools / "docker").read_text()
    (build.tools / "docker").write_text(docker.replace("${2%:*}@sha256:$DIGEST", pushed))

    ended = build.run(spec("Image"), **TOLD)

    assert not ended.succeeded
    assert "docker reports no digest" in ended.said
    assert {} == ended.artifacts


@pytest.mark.parametrize(
    ("dockerfile", "accepted"),
    [
        (f"FROM {PINNED}\n", True),
        (f"# syntax\nFROM {PINNED} AS base\nFROM base\nFROM scratch\n", True),
        (f"from {PINNED} as one\nfrom one as two\nfrom two", True),
        ("FROM python:3.13\n", False),
        (f"FROM {PINNED} AS base\nFROM bas\n", False),
        (f"FROM {PINNED} AS base\n  from python\n", False),
    ],
)
def test_a_base_image_has_a_digest(build, dockerfile, accepted):
    """Or what was tested yesterday would be something else today; stages may follow each other."""
    (build.source / "backend" / "Dockerfile").write_text(dockerfile)

    ended = build.run(spec("Image"), **TOLD)

    assert accepted == ended.succeeded, ended.said
    assert accepted == bool(ended.calls)
    assert accepted != ("has no digest" in ended.said)


def test_git_runs_nothing_that_the_commit_configures(build):
    """A docker with buildx asks git for the revision of backend/; credentials are in its reach.

    A folder that looks like a repository is one to git: it would fetch the missing commit with
    the program that the config file names.
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
    asks = 'if [ "$1" = build ]; then git -C backend show --format=%H HEAD --quiet; fi\n'
    docker.write_text(docker.read_text() + asks)

    ended = build.run(spec("Image"), **TOLD, GIT_CONFIG_GLOBAL="/dev/null")

    assert "not a git repository" in ended.said
    assert not ran.exists()


def test_the_password_of_the_registry_is_on_no_command_line(build):
    """Command lines are visible in the process list, and output in the log."""
    ended = build.run(spec("Image"), **TOLD)

    assert PASSWORD == ended.stdin.strip()
    assert PASSWORD not in "\n".join(ended.calls) + ended.said


@pytest.mark.parametrize("action", ["Image", "Diff"])
def test_no_code_of_the_commit_runs_where_credentials_count(action):
    """The push and the comparison that an approver reads: docker has the Dockerfile to itself."""
    assert "./inv" not in spec(action)
    assert "python" not in spec(action)


# The comparison of templates --------------------------------------------------------------------


def account(build, **stacks):
    """Give the account these stacks, by layer, in the first region."""
    names = "\t".join(f"crd-prod-{layer}" for layer in stacks)
    (build.account / "ca-central-1.txt").write_text(f"{names}\n" if names else "")
    (build.account / "us-east-1.txt").write_text("None\n")
    for layer, template in stacks.items():
        (build.account / f"crd-prod-{layer}.yaml").write_text(f"{template}\n")


def commit(build, **templates):
    """Give the commit these templates."""
    folder = build.source / "build" / "prod"
    folder.mkdir(parents=True)
    for name, template in templates.items():
        (folder / f"{name.replace('__', '.')}.yaml").write_text(template)
    return folder


def compared(build):
    """The lines of the log that follow each heading, by heading."""
    ended = build.run(spec("Diff"), **settings("Diff"))
    assert ended.succeeded, ended.said
    parts = re.split(r"^=== (.*)\n", ended.said, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_what_differs_is_shown(build):
    """A changed template, an unchanged stack, a new one, and a missing one."""
    account(build, network="A: 1\nB: 2\n", registry="R: 1\n", old="O: 1\n")
    commit(build, network="A: 1\nB: 3\n", registry="R: 1\n", users="U: 1\n")

    shown = compared(build)

    assert "-B: 2\n+B: 3\n" in shown["crd-prod-network (ca-central-1)"]
    assert "unchanged\n" == shown["crd-prod-registry (ca-central-1)"]
    assert "the commit has no template for this stack\n" == shown["crd-prod-old (ca-central-1)"]
    assert "+U: 1\n3 templates differ\n" == shown["crd-prod-users: new"]


def test_the_stacks_of_the_environment_are_selected():
    """By their tags: another environment may have a name that begins like this one's."""

    def stack(name, env="prod", project="cruddur", **more):
        tags = [{"Key": "project", "Value": project}, {"Key": "env", "Value": env}]
        return {"StackName": name, "Tags": tags, **more}

    page = [
        stack("crd-prod-network"),
        stack("crd-prod-two-network", env="prod-two"),
        stack("crd-prod-other", project="other"),
        stack("crd-prod-pipeline-Codebuild", ParentId="arn:outer"),
        {"StackName": "crd-prod-byhand", "Tags": []},
    ]

    found = jmespath.search(settings("Diff")["STACK_QUERY"], {"Stacks": page})

    assert ["crd-prod-network"] == found


def test_what_a_release_does_not_deploy_is_not_shown(build):
    """Foundation, pipeline and site-publisher are an administrator's; so are their nested templates."""
    account(build, foundation="F: 1\n", network="A: 1\n")
    commit(build, foundation="F: 2\n", pipeline="P: 1\n", pipeline__Codebuild="", network="A: 1\n")

    assert ["crd-prod-network (ca-central-1)"] == [*compared(build)]


def test_a_nested_template_of_a_release_is_shown(build):
    """Whole: the one above it has only its address."""
    account(build, network="A: 1\n")
    commit(build, network="A: 1\n", network__Inner="I: 1\n")

    assert compared(build)["network.Inner: nested template"].startswith("+I: 1\n")


def test_a_template_cannot_draw_on_the_screen(build):
    """It could hide the lines above it from an approver; neither can its name."""
    account(build, network="A: 1\n")
    files = {"users": "U: \x1b[1A\n", "a\n=== \x1b[2J": ""}
    commit(build, network="A: 1\n# \x1b[2J\r \u202e é\n", **files)

    shown = compared(build)

    assert "+# ^[[2J^M M-bM-^@M-. M-CM-)\n" in shown["crd-prod-network (ca-central-1)"]
    assert shown["crd-prod-users: new"].startswith("+U: ^[[1A\n")
    assert "crd-prod-a???????2J: new" in shown


def test_a_new_template_cannot_look_like_a_heading(build):
    """Nor like the last line of the comparison, also without a newline at its end."""
    account(build, network="A: 1\n")
    forged = "=== crd-prod-network (ca-central-1)\nunchanged\n0 templates differ"
    commit(build, network="A: 2\n", users=forged, users__Inner=forged)

    shown = compared(build)

    assert ["crd-prod-network (ca-central-1)", "users.Inner: nested template"] == [*shown][:2]
    assert ["crd-prod-users: new"] == [*shown][2:]
    assert shown["crd-prod-users: new"].endswith("\n+0 templates differ\n2 templates differ\n")


def test_a_template_with_a_nul_is_shown(build):
    """Diff would say of a binary file only that it differs."""
    account(build, network="A: 1\n")
    commit(build, network="A: 2\n# \0\n")

    assert "-A: 1\n+A: 2\n+# ^@\n" in compared(build)["crd-prod-network (ca-central-1)"]


def test_a_link_is_not_followed(build):
    """The file that it names is not the commit's."""
    account(build, network="A: 1\n")
    (build.folder / "secret").write_text("S: 1\n")
    folder = commit(build)
    for name in ("network", "users"):
        (folder / f"{name}.yaml").symlink_to(build.folder / "secret")

    shown = compared(build)

    assert "the commit has no template for this stack\n" == shown["crd-prod-network (ca-central-1)"]
    assert "2 templates differ\n" == shown["crd-prod-users: new"]


@pytest.mark.parametrize("call", ["*describe-stacks*", "*get-template*"])
def test_without_the_account_there_is_no_comparison(build, call):
    """If a template cannot be read, the pipeline stops instead of showing it as unchanged."""
    account(build, network="A: 1\n")
    commit(build, network="A: 1\n")

    ended = build.run(spec("Diff"), fails=call, **settings("Diff"))

    assert not ended.succeeded
    assert "templates differ" not in ended.said


# CloudFormation ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "well"), [(0, True), (2, True), (1, False), (3, False), (130, False)]
)
def test_a_plan_with_changes_is_no_failure(build, code, well):
    """Exit code 2 means changes; any other code is a failure."""
    ended = build.run(spec("Plan"), fails="inv plan*", code=code)

    assert well == ended.succeeded
    assert {"plan": {"release": True}} == asked(ended)


@pytest.mark.parametrize(
    ("action", "flags"),
    [
        ("Infrastructure", {"release": True, "yes": True}),
        ("UpdateServiceStack", {"release": True, "yes": True, "stack": ["service"], "only": True}),
    ],
)
def test_stacks_are_deployed_with_the_rights_of_a_release(build, action, flags):
    """Approved already; a failure ends the pipeline, also a 2."""
    went_well = build.run(spec(action))
    failed = [build.run(spec(action), fails="inv deploy*", code=code) for code in (1, 2)]

    assert went_well.succeeded
    assert {"deploy": flags} == asked(went_well)
    assert [False, False] == [each.succeeded for each in failed]


# Database and record ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "expected"),
    [("Migrate", {"db.migrate": {}}), ("RecordImage", {"service.record": {"image": BUILT}})],
)
def test_a_release_migrates_and_notes(build, action, expected):
    """Each in its turn, and each can fail."""
    went_well = build.run(spec(action), IMAGE_DIGEST=BUILT)
    failed = build.run(spec(action), IMAGE_DIGEST=BUILT, fails="inv *")

    assert went_well.succeeded
    assert expected == asked(went_well)
    assert not failed.succeeded


# All of them ------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", BUILDS)
def test_a_phase_that_fails_ends_the_build(action):
    """Even with a post_build, which would run after a failed build (defect 41)."""
    phases = yaml.safe_load(spec(action))["phases"]

    assert phases.keys() <= {*PHASES}
    assert {"ABORT"} == {phase.get("on-failure") for phase in phases.values()}


@pytest.mark.parametrize("action", BUILDS)
def test_a_command_is_one_line(action):
    """Of several, CodeBuild would only see whether the last went well; a script stops by itself."""
    phases = yaml.safe_load(spec(action))["phases"]
    commands = [one for phase in phases.values() for one in phase.get("commands", [])]
    scripts = [one for one in commands if one.startswith("cat > /tmp/stage.sh <<'END_OF_SCRIPT'\n")]
    others = [one for one in commands if one not in scripts]

    assert others
    assert not [one for one in others if re.search(r"[;|&\n]", one)]
    assert len(scripts) == others.count("sh -eu /tmp/stage.sh")
    assert all(one.rstrip().endswith("\nEND_OF_SCRIPT") for one in scripts)


@pytest.mark.parametrize("action", BUILDS)
def test_nothing_names_an_account_or_the_latest(action):
    """The released image has a digest, and its destination is set by the template."""
    assert not re.search(r"\b\d{12}\b|:latest|\.dkr\.ecr\.", spec(action))
