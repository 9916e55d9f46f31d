"""A plan is shown as a line for each changed file, and counts."""

from deployer.report import Style
from operations.site import preview
from operations.site.plan import Plan

NOTHING = Plan((), (), (), ("a.txt",), {}, ())
IMMUTABLE = "assets/index-AAAAAAA1.js"


def test_each_change_is_a_line():
    """A changed immutable file has a warning; control characters are escaped."""
    plan = Plan(
        ("a\nb.txt",), ("index.html", IMMUTABLE), ("é.txt",), ("c.txt",), {"d": 1}, ("index.html",)
    )

    lines = preview.text(plan, [".DS_Store"], style=Style()).splitlines()

    assert lines[:-1] == [
        "create  a\\nb.txt",
        "update  index.html",
        f"update  {IMMUTABLE}",
        "        was cached as immutable: browsers keep their old copy",
        "delete  é.txt",
        "hidden  .DS_Store",
    ]
    assert "1 to create, 2 to update, 1 to delete, 1 unchanged, 1 unused, kept" in lines[-1]
    assert lines[-1].endswith("; 2 paths to invalidate")


def test_nothing_to_do():
    """The counts are shown if there are no changes."""
    assert preview.text(NOTHING, [], style=Style()) == "nothing to do: 1 unchanged\n"
