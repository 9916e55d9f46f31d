"""Find the stacks of an environment among all stacks of its account."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from deployer import plan
from deployer.aws.cloud import Cloud, DeployedStack
from deployer.environment import Environment
from deployer.model import ABSENT
from deployer.model.desired import DesiredStack
from deployer.model.template_tree import TemplateTree, deployed_templates
from deployer.ownership import refuse_foreign
from deployer.plan import Orphan


@dataclass(frozen=True)
class Inventory:
    """The stacks of *environment* in the account *cloud*."""

    environment: Environment
    cloud: Cloud

    def all_stacks(self) -> tuple[DeployedStack, ...]:
        """Return every stack of every region in use, including foreign stacks.

        A stack in REVIEW_IN_PROGRESS gets the tags of its change sets.
        """
        return tuple(
            self._with_tags(stack)
            for region in self.environment.regions
            for stack in self.cloud.stacks(region)
        )

    def own_stacks(self, needed: Iterable[DesiredStack] = ()) -> tuple[DeployedStack, ...]:
        """Return the stacks of the environment, dependencies first, then orphans.

        Raise GuardError if a foreign stack has the name of a *needed* one.
        """
        stacks = self.all_stacks()
        self.refuse_taken_names(stacks, needed)
        return self.owned(stacks)

    def owned(self, stacks: Iterable[DeployedStack]) -> tuple[DeployedStack, ...]:
        """Return those of *stacks* that belong to the environment, dependencies first, then orphans."""
        ranks = {
            (stack.region, stack.name): rank for rank, stack in enumerate(self.environment.desired)
        }
        owned = [stack for stack in stacks if self.environment.env.owner.owns(stack)]
        return tuple(
            sorted(owned, key=lambda stack: ranks.get((stack.region, stack.name), len(ranks)))
        )

    def orphans(self, stacks: Sequence[DeployedStack]) -> tuple[Orphan, ...]:
        """Return those of the environment's *stacks* that are no longer in the code."""
        return plan.orphans(self.environment.desired, stacks, self.environment.env.name)

    def refuse_taken_names(
        self, stacks: Iterable[DeployedStack], needed: Iterable[DesiredStack]
    ) -> None:
        """Raise one GuardError that lists all foreign *stacks* with the name of a *needed* one."""
        names = {(stack.region, stack.name) for stack in needed}
        taken = [stack for stack in stacks if (stack.region, stack.name) in names]
        if self.environment.is_local:
            hint = "remove it, or delete all data of the emulator: ./inv emulator.reset"
        else:
            hint = "remove it, or choose another prefix in the [env] table"
        refuse_foreign(self.environment.env.owner, taken, hint=hint)

    def refuse_foreign_names(self, stacks: Iterable[DeployedStack], names: Sequence[str]) -> None:
        """Raise one GuardError that lists all foreign *stacks* whose full name is in *names*."""
        owner = self.environment.env.owner
        hint = f"name stacks of {owner.env}, or select their environment: --env=ENV"
        refuse_foreign(owner, [stack for stack in stacks if stack.name in names], hint=hint)

    def templates(
        self, stacks: Iterable[DesiredStack | DeployedStack], deployed: Iterable[DeployedStack]
    ) -> Mapping[str, TemplateTree]:
        """Return the deployed templates of *stacks*, with nested ones, by the name of the stack."""
        complete = {(stack.region, stack.name) for stack in deployed if stack.is_complete}
        return {
            stack.name: deployed_templates(self.cloud, stack.region, stack.name)
            for stack in stacks
            if (stack.region, stack.name) in complete
        }

    def physical_ids(self, stack: DeployedStack) -> Mapping[str, str]:
        """Return the physical ids of the resources of a stack by logical id."""
        resources = self.cloud.resources(stack.region, stack.id)
        return {resource.logical_id: resource.physical_id for resource in resources}

    def available_parameters(
        self, desired: Iterable[DesiredStack], deployed: Iterable[DeployedStack]
    ) -> set[str]:
        """Return the Parameter Store names that deployed stacks wait for and that now exist."""
        return {
            name
            for stack, name in plan.pending_parameters(desired, plan.index(deployed))
            if self.cloud.parameter(stack.region, name) not in {None, ABSENT}
        }

    def _with_tags(self, stack: DeployedStack) -> DeployedStack:
        """Return *stack* with the tags of its change sets if AWS shows none yet; see `Cloud`."""
        never_created = stack.status == "REVIEW_IN_PROGRESS" and not stack.tags
        if never_created and stack.name.startswith(self.environment.prefix):
            return self.cloud.stack(stack.region, stack.id) or stack
        return stack
