import io
import json
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer import report
from deployer.aws.cloud import ChangeSetRequest, DeployedStack
from deployer.environment import Environment
from deployer.errors import GuardError
from deployer.model import Env
from operations import site
from operations.session import Approver, Session
from tests.fakes import ACCOUNT as NUMBER
from tests.fakes import OWNER, REGION, FakeClock, FakeCloud, desired_stack

ACCOUNT = SimpleNamespace(
    is_local=False, env=SimpleNamespace(name="prod", domain="cruddur.example")
)


class Stdin(io.StringIO):
    """What is typed, at a terminal or not."""

    def __init__(self, typed, *, terminal):
        super().__init__(typed)
        self.isatty = lambda: terminal


class Screen:
    """Remembers whether it stood still."""

    def __init__(self):
        self.paused_ = 0

    @contextmanager
    def paused(self):
        self.paused_ += 1
        yield


@pytest.mark.parametrize(
    ("typed", "answer"),
    [("y\n", True), (" YES \n", True), ("n\n", False), ("\n", False), ("", False)],
)
def test_a_person_decides(monkeypatch, capsys, typed, answer):
    """On a screen that stands still; the answer defaults to no."""
    monkeypatch.setattr("sys.stdin", Stdin(typed, terminal=True))
    screen = Screen()

    assert answer == Approver(ACCOUNT, False, "", paused=screen.paused).agrees("Do it? ")
    assert ("Do it? ", 1) == (capsys.readouterr().err, screen.paused_)


@pytest.mark.parametrize(
    ("terminal", "json"), [(False, False), (True, True)], ids=["no terminal", "JSON lines"]
)
def test_nobody_is_there(monkeypatch, terminal, json):
    """It is refused before anything moves, and again when it comes to the question."""
    monkeypatch.setattr("sys.stdin", Stdin("y\n", terminal=terminal))
    session = Session(ACCOUNT, None, Screen(), json=json)

    for refused in (session._approver.must_be_there, lambda: session._approver.agrees("Do it? ")):
        with pytest.raises(GuardError, match="prod: cannot ask for approval") as told:
            refused()
        assert told.value.hint.endswith("or --no-execute to leave the change sets for review")


def test_the_site_is_approved_by_the_same(monkeypatch):
    """One rule for all that changes something."""
    asked = []
    monkeypatch.setattr(Approver, "agrees", lambda self, question: not asked.append(question))

    site._approve(ACCOUNT, yes=False)

    assert ["Publish this at https://cruddur.example? [y/N] "] == asked


ENV = Env("cruddur", "crd", "x", NUMBER, REGION, "x.example", "Z1", protect=False)
LAYERS = (desired_stack("network"), desired_stack("cluster", needs=["network"]))
KEYS = ("project", "env", "stack")


def stack(name, tags, *, region=REGION, nested=False, status="CREATE_COMPLETE"):
    """A deployed stack."""
    stack_id = f"arn:{region}:{name}"
    return DeployedStack(name, stack_id, region, status, tags=tags, is_nested=nested)


def ours(layer, **more):
    """A stack of the environment x."""
    return stack(f"crd-x-{layer}", OWNER.tags(f"crd-x-{layer}"), **more)


SIBLING = {"project": "cruddur", "env": "x-two", "stack": "crd-x-two-network"}
BESIDE = (
    stack("crd-x-two-network", SIBLING),
    stack("crd-x-byhand", {}),
    stack("crd-x-copied", OWNER.tags("crd-x-network")),
    stack("crd-x-network-Part-1A2B", OWNER.tags("crd-x-network"), nested=True),
    stack("crd-x-theirs", OWNER.tags("crd-x-theirs") | {"project": "other"}),
    stack("elsewhere", OWNER.tags("elsewhere")),
)


def session(*stacks, json=False, yes=True, env=ENV, layers=LAYERS):
    """A session in an account that has these stacks, and what it reports."""
    cloud = FakeCloud(FakeClock())
    for each in stacks:
        cloud.put(each)
        cloud.history[each.id] = []
    stream = io.StringIO()
    told = report.reporter(json=json, stream=stream, environ={}, live=False)
    environment = Environment(env, layers, Path())
    return Session(environment, cloud, told, yes, json=json, _clock=cloud.clock), stream


def left(here):
    """The names of the stacks that are still there."""
    return {name for _, name in here.cloud.found}


def test_destroy_deletes_what_is_ours_and_nothing_beside_it():
    """Neither a sibling environment, nor what has no tags, others', copied ones or is nested."""
    here, _ = session(ours("network"), ours("cluster"), ours("old"), *BESIDE)

    here.destroy(here.deletions(()), confirmed=(), jobs=4)

    assert {each.name for each in BESIDE} == left(here)


def test_no_foreign_stack_is_an_orphan():
    """A plan names those that are ours, with the command that removes them."""
    here, _ = session(ours("network"), ours("old"), *BESIDE)

    orphans = here.orphans(here.found())

    assert ["crd-x-old"] == [each.found.name for each in orphans]


NAMES = ("crd-x-network", "crd-x-cluster", "crd-x-old", "crd-x-two-old", "crd-x-", "crd-y-old", "x")
VALUES = (*NAMES, "cruddur", "x-two", "other", "")
TAGS = st.dictionaries(st.sampled_from((*KEYS, "group", "Project")), st.sampled_from(VALUES))


@given(
    st.lists(
        st.tuples(st.sampled_from(NAMES), TAGS, st.booleans(), st.booleans()),
        unique_by=lambda drawn: drawn[0],
    )
)
def test_destroy_only_ever_selects_stacks_whose_tags_are_exactly_ours(drawn):
    """Whatever names and tags there are."""
    stacks = [
        stack(name, (OWNER.tags(name) if copied else {}) | tags, nested=nested)
        for name, tags, copied, nested in drawn
    ]
    exactly = {
        each.name
        for each in stacks
        if [each.tags.get(key) for key in KEYS] == ["cruddur", "x", each.name]
        and each.name in {"crd-x-network", "crd-x-cluster", "crd-x-old", "crd-x-two-old"}
        and not each.is_nested
    }
    here, _ = session(*stacks)

    selected = here.deletions(())
    here.destroy(selected, confirmed=(), jobs=2)

    assert exactly == {each.stack.name for each in selected}
    assert {each.name for each in stacks} - exactly == left(here)


def test_every_taken_name_is_refused_at_once():
    """A foreign stack with the name of a layer is never updated or deleted."""
    here, _ = session(stack("crd-x-network", {}), stack("crd-x-cluster", {"env": "x-two"}))

    for refused in (
        lambda: here.found(needed=LAYERS),
        lambda: here.deletions(["network", "cluster"]),
    ):
        with pytest.raises(GuardError) as told:
            refused()
        lines = told.value.message.splitlines()
        assert ["crd-x-network", "crd-x-cluster"] == [line.split()[0] for line in lines]
        assert "choose another prefix" in told.value.hint
    assert () == here.deletions(())
    assert [] == here.cloud.written


def test_a_foreign_stack_that_is_named_in_full_is_refused():
    """It exists, so the answer is not that there is no such stack."""
    here, _ = session(ours("network"), *BESIDE)

    with pytest.raises(GuardError) as refused:
        here.deletions(["crd-x-two-network", "crd-x-byhand"])

    assert [
        "crd-x-two-network in ca-central-1: not a stack of x: its tag env is 'x-two', not 'x'",
        "crd-x-byhand in ca-central-1: not a stack of x: it lacks the tags project, env, stack",
    ] == refused.value.message.splitlines()
    assert (
        refused.value.hint == "name stacks of x, or give the environment that has them: --env=ENV"
    )


def test_a_change_set_left_for_review_is_known_by_its_tags():
    """AWS gives a stack its tags only when it is first created."""
    here, _ = session()
    for name, tags in (
        ("crd-x-network", OWNER.tags("crd-x-network")),
        ("crd-x-theirs", OWNER.tags("crd-x-theirs") | {"env": "x-two"}),
    ):
        here.cloud.create_change_set(
            ChangeSetRequest("first", name, REGION, "CREATE", "{}", tags=tags)
        )

    assert ["crd-x-network"] == [each.name for each in here.found()]


def test_an_orphan_in_a_region_that_no_layer_uses_any_more_is_found():
    """The config names such a region until the stack is removed."""
    old = ours("old", region="eu-west-1")
    without, _ = session(old)
    here, _ = session(old, env=msgspec.structs.replace(ENV, former_regions=("eu-west-1",)))

    assert () == without.found()
    assert (old,) == here.found()


def local(**more):
    """The emulator with one stack that no layer has."""
    env = msgspec.structs.replace(ENV, name="local")
    there = stack("crd-local-old", env.owner.tags("crd-local-old"))
    return session(there, env=env, layers=(), **more)


@pytest.mark.parametrize(("terminal", "json"), [(False, False), (True, True)])
def test_destroy_asks_on_the_emulator_too(monkeypatch, terminal, json):
    """It shows the deletions, and refuses if it cannot ask for approval."""
    monkeypatch.setattr("sys.stdin", Stdin("y\n", terminal=terminal))
    here, stream = local(yes=False, json=json)

    with pytest.raises(GuardError) as refused:
        here.destroy(here.deletions(()), confirmed=(), jobs=1)

    assert (
        "pass --yes to approve without a question, or --dry-run to only look" == refused.value.hint
    )
    assert "crd-local-old" in stream.getvalue()
    assert [] == here.cloud.written


def test_destroy_is_refused_by_a_no(monkeypatch):
    """Without an answer, no is the default."""
    monkeypatch.setattr("sys.stdin", Stdin("\n", terminal=True))
    here, _ = local(yes=False)

    with pytest.raises(GuardError, match="not approved: nothing was deleted"):
        here.destroy(here.deletions(()), confirmed=(), jobs=1)

    assert [] == here.cloud.written


def test_nothing_to_delete_is_said_and_nobody_is_asked(monkeypatch):
    """A destroy can be repeated."""
    monkeypatch.setattr("sys.stdin", Stdin("", terminal=False))
    here, stream = session(*BESIDE, yes=False)

    here.destroy(here.deletions(()), confirmed=(), jobs=1)

    assert "nothing to delete\n" == stream.getvalue()


def test_a_stack_that_holds_data_must_be_confirmed_even_with_yes():
    """An orphan must be confirmed, too."""
    here, _ = session(ours("old"))
    keeps = {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain"}
    here.cloud.templates[ours("old").id] = json.dumps({"Resources": {"Old": keeps}})

    with pytest.raises(GuardError, match="crd-x-old holds data"):
        here.destroy(here.deletions(()), confirmed=(), jobs=1)
    here.destroy(here.deletions(()), confirmed=["crd-x-old"], jobs=1)

    assert set() == left(here)
