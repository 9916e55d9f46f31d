"""Decide by its tags whether a deployed stack belongs to an environment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from deployer.aws.cloud import DeployedStack
from deployer.errors import GuardError


@dataclass(frozen=True)
class Owner:
    """An environment, identified by the tags and the name prefix of its stacks.

    The name alone is not enough: the stack names of an environment `dev-two` also have the prefix of
    `dev`, and any stack can have such a name.
    """

    project: str
    env: str
    prefix: str

    def tags(self, stack: str) -> dict[str, str]:
        """Return the tags of the stack called *stack* in this environment."""
        return {"project": self.project, "env": self.env, "stack": stack}

    def owns(self, stack: DeployedStack) -> bool:
        """Return whether *stack* belongs to this environment."""
        return not self.objection(stack)

    def objection(self, stack: DeployedStack) -> str:
        """Return why *stack* does not belong to this environment; an empty string if it does.

        A nested stack has the tags of its root stack, so it is always refused.
        """
        if stack.is_nested:
            return "it is nested in another stack"
        if not stack.name.startswith(self.prefix) or stack.name == self.prefix:
            return f"its name does not begin with {self.prefix}"
        expected = self.tags(stack.name)
        missing = ", ".join(key for key in expected if key not in stack.tags)
        differing = [
            f"its tag {key} is {stack.tags[key]!r}, not {value!r}"
            for key, value in expected.items()
            if stack.tags.get(key, value) != value
        ]
        return ", ".join([f"it lacks the tags {missing}", *differing] if missing else differing)


def refuse_foreign(owner: Owner, stacks: Iterable[DeployedStack], *, hint: str) -> None:
    """Raise one GuardError that names every stack that does not belong to *owner*."""
    refused = [
        f"{stack.name} in {stack.region}: not a stack of {owner.env}: {objection}"
        for stack in stacks
        if (objection := owner.objection(stack))
    ]
    if refused:
        raise GuardError("\n".join(refused), hint=hint)
