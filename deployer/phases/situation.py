"""The deployed stacks of an environment and the steps of a deploy, from which phases are decided."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from deployer.aws.cloud import DeployedStack
from deployer.model.desired import DesiredStack
from deployer.model.template_tree import TemplateTree, desired_templates
from deployer.phases.exports import Importers, importers
from deployer.phases.templates import Pin, pins_in, without_phases
from deployer.plan import Keep, Step, Update
from deployer.preview.propagation import Propagation, export_name, propagate
from deployer.preview.reviewed import ReviewedStack
from deployer.registry import Lookup, resource_type


@dataclass(frozen=True)
class Situation:
    """The deployed stacks of an environment, and the steps that a deploy would take.

    *templates* has the deployed templates by the name of the stack. `may_need_phases` needs those of
    the stacks that are updated, `decide_phases` also those of the stacks that are not among the
    *steps*. *physical_ids* returns the physical ids of the resources of a stack by logical id; it is
    called only if resources must be retained.
    """

    steps: Sequence[Step]
    deployed: Sequence[DeployedStack]
    templates: Mapping[str, TemplateTree]
    physical_ids: Callable[[DeployedStack], Mapping[str, str]]
    lookup: Lookup = resource_type

    @cached_property
    def steps_by_name(self) -> Mapping[str, Step]:
        """The steps by the name of the stack."""
        return {step.desired.name: step for step in self.steps}

    @cached_property
    def stacks(self) -> Mapping[str, DeployedStack]:
        """The deployed stacks by name."""
        return {stack.name: stack for stack in self.deployed}

    @cached_property
    def deployed_trees(self) -> Mapping[str, TemplateTree]:
        """The deployed templates by stack; a stack that is kept has its desired templates."""
        kept = {
            step.desired.name: desired_templates(step.desired)
            for step in self.steps
            if isinstance(step, Keep)
        }
        return {**kept, **self.templates}

    @cached_property
    def exports(self) -> Mapping[str, Pin]:
        """The current value of each export, with its stack."""
        return {
            name: Pin(self.stacks[stack].outputs.get(output, ""), stack)
            for stack, tree in self.deployed_trees.items()
            for output, definition in (tree.body.get("Outputs") or {}).items()
            if stack in self.stacks and (name := export_name(definition))
        }

    @cached_property
    def export_values(self) -> Mapping[str, str]:
        """The current value of each export."""
        return {name: pin.value for name, pin in self.exports.items()}

    @cached_property
    def outdated_users(self) -> Mapping[str, tuple[str, ...]]:
        """The stacks that use an outdated value of an export, by the name of the exporting stack.

        Their pinned import has another value than the export has now.
        """
        found: dict[str, tuple[str, ...]] = {}
        for stack, tree in self.deployed_trees.items():
            for name, pin in pins_in(tree.body).items():
                if pin != self.exports.get(name) and pin.stack != stack:
                    found[pin.stack] = (*found.get(pin.stack, ()), stack)
        return found

    @cached_property
    def reviewed_trees(self) -> Mapping[str, TemplateTree]:
        """The deployed templates by stack, without what the phases of an earlier deploy added."""
        return {
            name: replace(tree, known_body=without_phases(tree.body, self.export_values))
            for name, tree in self.deployed_trees.items()
        }

    @cached_property
    def pairs(self) -> Sequence[tuple[ReviewedStack, ReviewedStack]]:
        """Each deployed stack of the steps, with the deployed and with the desired templates."""
        return [
            (
                _reviewed(step.desired, self.reviewed_trees[step.desired.name]),
                _reviewed(step.desired, desired_templates(step.desired)),
            )
            for step in self.steps
            if isinstance(step, Update | Keep) and step.desired.name in self.reviewed_trees
        ]

    @cached_property
    def propagation(self) -> Propagation:
        """The changes of all stacks: of their templates, and by reference to a changed value."""
        return propagate(self.pairs, self.lookup)

    @cached_property
    def importers(self) -> Importers:
        """The importers of each export; a stack with a pinned import counts as an importer."""
        trees = self.deployed_trees
        return importers(
            (self.stacks[name].region, name, trees[name], pins_in(trees[name].body))
            for name in trees
            if name in self.stacks
        )


def _reviewed(desired: DesiredStack, tree: TemplateTree) -> ReviewedStack:
    parameters = {
        name: f"{source.region}:{source.stack}.{source.output}"
        for name, source in desired.parameters.items()
    }
    return ReviewedStack(desired.short_name, desired.name, desired.region, tree, parameters)
