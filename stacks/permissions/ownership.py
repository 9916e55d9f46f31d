"""Deny a role all resources with the tags of another environment or project.

Policies allow names by prefix, and `crd-dev-*` also matches `crd-dev-two-*`. The config of one
checkout cannot have both environments, but another checkout may deploy the second one to the same
account. Every stack adds its tags to all of its resources, so the tags distinguish the two.
"""

from __future__ import annotations

from awacs.aws import Action, Condition, Deny, Null, Statement, StringNotEquals

from deployer.model import Env


def deny_other_owners(env: Env) -> list[Statement]:
    """Deny all actions on resources that are tagged for another project or environment than *env*.

    Resources without these tags are not denied: they are new, or their service has no tags.
    """
    owner = {"Project": ("project", env.project), "Environment": ("env", env.name)}
    return [
        Statement(
            Sid=f"DenyOther{title}s",
            Effect=Deny,
            Action=[Action("*")],
            Resource=["*"],
            Condition=Condition(
                [
                    StringNotEquals({f"aws:ResourceTag/{key}": value}),
                    Null({f"aws:ResourceTag/{key}": "false"}),
                ]
            ),
        )
        for title, (key, value) in owner.items()
    ]
