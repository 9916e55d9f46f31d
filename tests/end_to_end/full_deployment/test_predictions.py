"""Predictions of the offline plan against the change sets of the emulator.

change_sets.txt lists every disagreement, each kind with its reason.
"""

from __future__ import annotations

import copy
from itertools import groupby
from operator import attrgetter
from pathlib import Path

import pytest

from tests.deployer.preview.test_replacement import EDITS
from tests.end_to_end.checkout import Checkout
from tests.end_to_end.full_deployment.property_edits import ACTIONS, edits

TABLE = Path(__file__).with_name("change_sets.txt").read_text().splitlines()
ROWS = [line.split() for line in TABLE if line and not line.startswith("#")]
LABELS = {"Never": "none", "Conditionally": "conditional", "Always": "required"}


def rows(kind: str) -> set[tuple[str, ...]]:
    """Return the rows of the table of one kind."""
    return {tuple(row) for first, *row in ROWS if first == kind}


def test_labels_agree_with_change_sets(restored: Checkout) -> None:
    """A change set says of each edited property what its label says.

    All edits of a stack are in one change set.
    """
    labels = {(type_, path): label for type_, path, label in EDITS}
    disagreements, found = set(), set()
    for _, group in groupby(edits(restored), lambda edit: id(edit.template)):
        batch = [*group]
        body = copy.deepcopy(batch[0].template.body)
        for edit in sorted(batch, key=lambda edit: -edit.path.count(".")):
            edit.apply(body)
        recreations = {
            (change["LogicalResourceId"], detail["Target"]["Name"]): LABELS[
                detail["Target"]["RequiresRecreation"]
            ]
            for change in batch[0].template.changes("labels", body)
            for detail in change["Details"]
            if detail["Target"]["Attribute"] == "Properties"
            and detail["ChangeSource"] == "DirectModification"
        }
        for edit in batch:
            answer = recreations[edit.title, edit.path.partition(".")[0]]
            found.add((edit.type, edit.path))
            if answer != labels[edit.type, edit.path]:
                disagreements.add((edit.type, edit.path, labels[edit.type, edit.path], answer))

    assert disagreements == set()
    assert labels.keys() - found == rows("absent")


@pytest.mark.slow
def test_predictions_agree_with_change_sets(restored: Checkout) -> None:
    """The change set of one edit has the predicted resources and actions, except for known kinds."""
    disagreements = set()
    for number, edit in enumerate(sorted(edits(restored), key=attrgetter("type", "path"))):
        body = edit.edited_template()
        types = {title: resource["Type"] for title, resource in body["Resources"].items()}
        answer = {
            change["LogicalResourceId"]: ACTIONS[change["Replacement"]]
            for change in edit.template.changes(f"edit-{number}", body)
        }
        predicted = edit.template.prediction(body)
        for title in predicted.keys() | answer.keys():
            actions = predicted.get(title, "unchanged"), answer.get(title, "unchanged")
            if actions[0] != actions[1]:
                place = edit.path if title == edit.title else types[title]
                texts = (action.replace(" ", "-") for action in actions)
                disagreements.add((edit.type, place, *texts))

    assert disagreements == rows("reference")
