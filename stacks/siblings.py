"""Deny a role whatever carries the tags of another environment or project.

Policies allow by how names begin, and `crd-dev-*` is also the beginning of `crd-dev-two-*`. The
config of one checkout cannot have both; another checkout may deploy the second one to the same
account. Every stack gives its tags to all of its resources, so they tell the two apart.
"""

from __future__ import annotations

from awacs.aws import Action, Condition, Deny, Null, Statement, StringNotEquals

from deployer.stack import Env


def deny_other_owners(env: Env) -> list[Statement]:
    """Deny all actions on what is tagged for another project or environment than *env*.

    A resource without such tags is not concerned: it is new, or its service has no tags.
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
