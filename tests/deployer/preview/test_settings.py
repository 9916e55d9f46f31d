"""The settings that the places of templates come from."""

from __future__ import annotations

from typing import Any

from deployer.preview.settings import Setting, changed_settings, places, reverted

SCOPE = ("ca-central-1", "crd-x-a", ())
BEFORE = {"network": {"cidr": "a", "zones": 2}, "cluster": {"port": 1}, "service": {"port": 1}}
AFTER = {"network": {"cidr": "b", "zones": 3}, "cluster": {"port": 2}, "service": {"port": 2}}


def render(table: Any) -> Any:
    """Render one stack; both ports must be equal."""
    if table["cluster"]["port"] != table["service"]["port"]:
        return None
    resources = {"Vpc": {"Properties": {"CidrBlock": table["network"]["cidr"]}}}
    resources |= {f"Subnet{zone}": {"Type": "X"} for zone in range(table["network"]["zones"])}
    outputs = {"Port": {"Value": table["cluster"]["port"]}}
    return {SCOPE: {"Resources": resources, "Outputs": outputs}}


def test_changed_settings() -> None:
    """Added, changed and removed settings are found in nested tables."""
    assert changed_settings(
        {"a": {"b": 1, "c": [1]}, "d": 1}, {"a": {"b": 2, "c": [1]}, "e": 1}
    ) == (
        Setting(("a", "b"), 1, 2),
        Setting(("d",), 1, None),
        Setting(("e",), None, 1),
    )


def test_each_place_has_its_setting() -> None:
    """A place that differs without a setting comes from it; settings that belong together are both named."""
    found = places(changed_settings(BEFORE, AFTER), AFTER, render(AFTER), render)

    assert found == {
        (SCOPE, "Resources", ("Vpc", "Properties", "CidrBlock")): ("network.cidr",),
        (SCOPE, "Resources", ("Subnet2",)): ("network.zones",),
        (SCOPE, "Outputs", ("Port", "Value")): ("cluster.port", "service.port"),
    }


def test_reverted_settings() -> None:
    """A setting that did not exist is removed, and the config is not modified."""
    config = {"a": {"b": 2}}

    assert reverted(config, [Setting(("a", "b"), None, 2), Setting(("c", "d"), 1, None)]) == {
        "a": {},
        "c": {"d": 1},
    }
    assert config == {"a": {"b": 2}}


def test_an_invalid_config_has_no_places() -> None:
    """If no config can be rendered, no setting is named."""
    assert places([Setting(("a",), 1, 2)], {"a": 2}, {}, lambda _: None) == {}
