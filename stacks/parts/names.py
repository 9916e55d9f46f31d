"""Names, ARNs and addresses of the resources of an environment."""

from __future__ import annotations

from troposphere import Sub, Tags

from deployer.model import Env


def resource_name(env: Env, name: str) -> str:
    """Return *name* with the prefix of the environment, to which permissions are limited."""
    return env.stack_name(name)


def name_tag(env: Env, name: str) -> Tags:
    """Return the tag that the console shows as the name; all other tags are those of the stack."""
    return Tags(Name=resource_name(env, name))


def email_title(email: str) -> str:
    """Return the letters and digits of *email* as part of the title of a resource."""
    return "".join(filter(str.isalnum, email.title()))


def budget_name(env: Env, email: str) -> str:
    """Return the name of the budget that mails to *email*."""
    return resource_name(env, f"monthly-{email_title(email).lower()}")


def image_parameter(env: Env, image: str) -> str:
    """Return the name of the Parameter Store parameter with the digest of the released *image*."""
    return f"/{env.prefix}/{env.name}/{image}/image"


def arn(service: str, resource: str) -> Sub:
    """Return an ARN in this account and region; ARNs of CloudFront and IAM have no region."""
    region = "" if service in {"cloudfront", "iam"} else "${AWS::Region}"
    return Sub(f"arn:${{AWS::Partition}}:{service}:{region}:${{AWS::AccountId}}:{resource}")


def webhook_url(env: Env) -> str:
    """Return the address to which SNS sends notifications of new avatars."""
    return f"https://api.{env.domain}/webhooks/avatar"
